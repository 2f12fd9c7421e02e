import type { RecordingsConfig } from '../config/config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Source } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Logger } from '../lib/logger.ts'
import { type Interaction, type EntryList, placeOf, type RecordingEntry } from './interaction.ts'
import type { LoadResult } from './load-recordings.ts'
import { logLoaded, logProblems, logRefreshed, RecordingFolder, type RefreshResult } from './recording-folder.ts'
import { bodyHash, createMatchKeys, matchExchange, matchRecorded, type MatchRequest } from './match-request.ts'
import { findNearest, type NearestRecording } from './miss-nearest.ts'
import { PaceTable, applyPace } from './replay-pace.ts'
import { RecordingIndex } from './recording-index.ts'
import { createRedactor, type Redactor } from './redact-interaction.ts'
import { RecordingReader } from './recording-reader.ts'
import { type ReplayAnswer, replayReply } from './replay-answer.ts'
import { RecordingChoice, type ReplayCursors } from './replay-cursors.ts'
import type { ServiceError } from '../wire/errors.ts'
import { shortText } from '../lib/error-text.ts'
import { redactText } from '../lib/credential-texts.ts'
import { refuse } from '../pipeline/reply-headers.ts'

/** What replay mode is made from. */
export interface ReplayDeps {
  readonly recordings: RecordingsConfig
  /** Gives the keys of the moment, which stand in no recording and are told by no miss. */
  readonly secrets: () => readonly string[]
  readonly logger: Logger
  /** Answers what was not recorded, where `onMiss` is `generate`. */
  readonly generate: Source
  /** Asks the real service and records its answer, where `onMiss` is `record`. */
  readonly record: Source
  /** Of requests that were recorded several times. */
  readonly cursors: ReplayCursors
}

/** Answers from recordings. */
export interface Replay {
  /** The absolute path of the folder. */
  readonly dir: string
  readonly answer: Source
  /** What was found in the folder at the start. */
  readonly loaded: LoadResult
  /** A recorded request that can be typed; undefined where there is none. */
  example(): Promise<ExampleRequest | undefined>
  /** Where the recordings stand that no request has used: `recordings/chat.yaml:12`. */
  unused(): string[]
  /** Adds what has been recorded since the start. */
  add(interaction: Interaction): void
  /**
   * Takes up files that are new, have changed or are gone, and logs what came of it. Running requests are not disturbed,
   * and those that come meanwhile find the old or the new recordings. A file that is broken now keeps its recordings from
   * before. The first call also reads up to 16 MB of files into memory, for that case.
   *
   * @param paths absolute paths of files that may have changed; absent: any may have
   */
  refresh(paths?: readonly string[]): Promise<RefreshResult>
}

/** A request of the recordings, in text. */
export interface ExampleRequest {
  readonly method: string
  readonly path: string
  /** Without its question mark. */
  readonly query: string
  readonly contentType: string | undefined
  /** Empty for none. */
  readonly body: string
}

/** So many recordings are looked at for an example, of up to so many bytes. */
const MAX_EXAMPLES = 50
const MAX_EXAMPLE_BYTES = 300

/** A file that is edited while it is read from is read anew this often for one request. */
const ATTEMPTS = 3

/**
 * Makes replay mode, and indexes its folder: synchronously, since nothing can be served before.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE
 */
export function createReplay({
  recordings,
  secrets,
  logger,
  generate,
  record,
  cursors,
}: ReplayDeps): Replay {
  const { dir, match, replay } = recordings
  const index = new RecordingIndex(createMatchKeys(match))
  const reader = new RecordingReader()
  const redactor = createRedactor(recordings.redact, { secrets })
  const choice = new RecordingChoice(recordings, cursors)
  const paces = new PaceTable(index, reader)
  const folder = new RecordingFolder(dir, index)
  const loaded = folder.load()
  logLoaded(loaded, dir, logger)

  const find = (request: MatchRequest): EntryList | undefined => {
    const hash = (): string => bodyHash(request.body, request.contentType)
    const found = index.find(request, hash)
    if (found) return found
    // What was taken out of the recording has to be taken out of the request before the two can be equal.
    const redacted = redactedRequest(redactor, request)
    if (!redacted) return undefined
    const isSame = redacted.body === request.body && redacted.path === request.path
    return isSame && match.headers.length === 0 ? undefined : index.find(redacted, hash)
  }

  const answerOf = async (entry: RecordingEntry): Promise<ReplayAnswer | undefined> => {
    const remembered = reader.remembered(entry)
    if (remembered) return remembered
    const interaction = await reader.read(entry)
    const isSame = interaction && index.prepare(interaction, entry).entry.key === entry.key
    return isSame ? reader.prepare(entry, interaction) : undefined
  }

  const replayed = async (exchange: Exchange, request: MatchRequest): Promise<Reply | undefined> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const list = find(request)
      const next = list && choice.next(list, exchange)
      const entry = next instanceof Promise ? await next : next
      if (!entry) return undefined
      const answer = await answerOf(entry)
      if (answer) {
        entry.used = true
        exchange.answeredBy = entry
        return replayReply(exchange, answer)
      }
      logger.warn(
        { place: placeOf(entry) },
        'A recording file has changed since it was read; it is read anew.',
      )
      if (entry.file !== undefined) logProblems(await folder.reload(entry.file), dir, logger)
      paces.clear()
    }
    return undefined
  }

  const onMiss = async (exchange: Exchange, request: MatchRequest): Promise<Reply | undefined> => {
    if (replay.onMiss === 'record') return record(exchange)
    if (replay.onMiss === 'generate') {
      const reply = await generate(exchange)
      const pace = reply && (await paces.paceFor(request))
      if (pace) applyPace(reply, pace, exchange)
      exchange.answeredBy = 'generated: no recording'
      if (reply) return reply
    }
    exchange.answeredBy = 'no recording'
    const nearest = await findNearest(request, index, reader, match, redactor)
    logger.info({ method: exchange.method, path: exchange.path }, describeMiss(exchange, nearest, dir))
    return missReply(exchange, nearest, dir)
  }

  return {
    dir,
    loaded,
    async answer(exchange) {
      const request = matchExchange(exchange)
      return (await replayed(exchange, request)) ?? onMiss(exchange, request)
    },
    async example() {
      let looked = 0
      for (const entry of index.entries()) {
        if (looked++ === MAX_EXAMPLES) return undefined
        const interaction = await reader.read(entry).catch(() => undefined)
        const example = interaction && exampleOf(interaction)
        if (example) return example
      }
      return undefined
    },
    unused: () => [...index.entries()].filter(({ used }) => !used).map(placeOf),
    add(interaction) {
      const indexed = index.prepare(interaction, { file: undefined, line: 0, source: interaction })
      // It has just answered the request that it was recorded for.
      indexed.entry.used = true
      index.add(indexed)
    },
    async refresh(paths) {
      const result = await folder.refresh(paths)
      paces.clear()
      logRefreshed(result, dir, logger)
      return result
    },
  }
}

/** The request as it would be recorded; undefined where patterns do not come to an end. */
function redactedRequest(redactor: Redactor, request: MatchRequest): MatchRequest | undefined {
  try {
    return redactor.live(request)
  } catch {
    return undefined
  }
}

/** A request whose body is known, short, and text that a terminal may be shown. */
function exampleOf({ request }: Interaction): ExampleRequest | undefined {
  const { method, path, query, contentType, body } = matchRecorded(request)
  const text = body.toString()
  const isWhole = request.body !== undefined || request.bodyHash === undefined
  const isPlain = !/\p{Cc}|\p{Cf}|\ufffd/u.test(`${method}${path}${query}${contentType ?? ''}${text}`)
  if (!isWhole || !isPlain || body.length + path.length + query.length > MAX_EXAMPLE_BYTES) return undefined
  return { method, path, query, contentType, body: text }
}

/**
 * 404: no recording answers the request. The message teaches: the nearest recording, the first difference, and what would
 * have matched. `x-should-retry: false` is what the official clients obey; without it some ask again and again.
 *
 * @param dir the folder that was searched
 */
function missReply(exchange: Exchange, nearest: NearestRecording | undefined, dir: string): Reply {
  const error: ServiceError = {
    status: 404,
    code: 'RecordingNotFound',
    type: 'invalid_request_error',
    message: describeMiss(exchange, nearest, dir),
    param: null,
    layer: 'edge',
    envelope: 'simulator',
    ...(nearest && { details: detailsOf(nearest) }),
  }
  return refuse(error, { 'x-should-retry': 'false' })
}

function detailsOf({ entry, method, uri, difference }: NearestRecording): Record<string, unknown> {
  const { at, requested, recorded, advice } = difference
  return {
    nearest: { place: placeOf(entry), method, uri },
    first_difference: { at, requested, recorded },
    would_match: advice,
  }
}

/** The miss in a few sentences, for the answer and for the log. */
function describeMiss(exchange: Exchange, nearest: NearestRecording | undefined, dir: string): string {
  const missed = `No recording answers ${exchange.method} ${shortText(redactText(exchange.path), 300)}.`
  if (!nearest)
    return `${missed} There is nothing to compare it with in ${dir}. Set REPLAY_ON_MISS=record to record it, or RECORDING_DIR to the folder that has it.`
  const { entry, method, uri, difference } = nearest
  const { at, requested, recorded, advice } = difference
  return `${missed} The nearest is ${method} ${uri} (${placeOf(entry)}). They first differ in ${at}: the request has ${requested}, the recording has ${recorded}. Set REPLAY_ON_MISS=record to record this request. To get that recording instead: ${advice}`
}
