import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { RecordingsConfig } from '../config/config.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import type { Source } from '../pipeline/stage.ts'
import type { Reply } from '../pipeline/reply.ts'
import type { Logger } from '../lib/logger.ts'
import {
  type Interaction,
  type EntryList,
  locationOf,
  type RecordingEntry,
  type WrittenTo,
} from './interaction.ts'
import { FolderUse, MAX_MISS_BODY_BYTES, type Miss, type ShownNearest } from './recording-use.ts'
import type { MissAction } from '../config/recording-settings.ts'
import type { LoadResult } from './load-recordings.ts'
import {
  logLoaded,
  logProblems,
  logRefreshed,
  RecordingFolder,
  type RefreshResult,
} from './recording-folder.ts'
import {
  bodyHash,
  createMatchKeys,
  matchExchange,
  matchRecorded,
  type MatchRequest,
} from './match-request.ts'
import { findNearest, type NearestRecording, shownNearest } from './miss-nearest.ts'
import { PaceTable, applyPace } from './replay-pace.ts'
import { RecordingIndex } from './recording-index.ts'
import { createRedactor, type Redactor } from './redact-interaction.ts'
import { RecordingReader } from './recording-reader.ts'
import { type ReplayAnswer, replayReply } from './replay-answer.ts'
import { RecordingSelector, type ReplayCursors } from './replay-cursors.ts'
import type { ServiceError } from '../wire/errors.ts'
import { shortText } from '../lib/error-text.ts'
import { redactText } from '../lib/credential-texts.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { upstreamOf } from '../pipeline/upstream-of.ts'

/** Dependencies of replay mode. */
export interface ReplayDeps {
  /** `folderIdOf` the recordings. */
  readonly id: string
  readonly recordings: RecordingsConfig
  /** Returns the current keys. Recordings do not contain them, and misses must not show them. */
  readonly secrets: () => readonly string[]
  readonly logger: Logger
  /** Answers requests without a recording if `onMiss` is `generate`. */
  readonly generate: Source
  /** Forwards requests without a recording and records the answer if `onMiss` is `record`. */
  readonly record: Source
  /** Forwards requests without a recording if `onMiss` is `forward`. */
  readonly forward: Source
  /** Whether a recorder writes to the folder, which it creates. */
  readonly isWritten: boolean
  /** Counts the replays of requests that were recorded several times. */
  readonly cursors: ReplayCursors
  /** Is notified of what happened. Absent: the counts and misses are not kept. */
  readonly use?: {
    /** Called for each request without a matching recording. */
    readonly onMissed: (miss: Miss) => void
    /** Whether the counts are reported to another process, which keeps them. */
    readonly isReported: boolean
  }
}

/** Answers from recordings. */
export interface Replay {
  /** The absolute path of the folder. */
  readonly dir: string
  /** Identifies the folder and its settings, the same in every process. */
  readonly id: string
  readonly index: Pick<RecordingIndex, 'listed' | 'entryAt' | 'version'>
  readonly use: FolderUse
  readonly answer: Source
  /** Returns the recordings that match an exchange, without advancing the replay. */
  matching(exchange: Exchange): readonly RecordingEntry[]
  /** Returns the recording that is most similar to an exchange; undefined if there is nothing to compare. */
  nearest(exchange: Exchange): Promise<ShownNearest | undefined>
  /** The result of loading the folder at the start. */
  readonly loaded: LoadResult
  /** A short recorded request for a terminal; undefined without one. */
  example(): Promise<ExampleRequest | undefined>
  /** Locations of the recordings that no request has used: `recordings/chat.yaml:12`. */
  unused(): string[]
  /** Adds an interaction that was recorded since the start. */
  add(interaction: Interaction, written?: WrittenTo): void
  /**
   * Reads new and changed files, removes the recordings of deleted files, and logs the result. Does not affect running requests;
   * requests that arrive meanwhile find the old or the new recordings. The previous recordings of a file that is invalid now are
   * kept. For this, the first call reads up to 16 MB of files into memory.
   *
   * @param paths absolute paths of files that may have changed; undefined: all files
   */
  refresh(paths?: readonly string[]): Promise<RefreshResult>
}

/** A recorded request as text. */
export interface ExampleRequest {
  readonly method: string
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly contentType: string | undefined
  /** Empty without a body. */
  readonly body: string
}

/** How many recordings are searched for an example, and its maximum size. */
const MAX_EXAMPLES = 50
const MAX_EXAMPLE_BYTES = 300

/** The result of loading a folder that does not exist yet. */
const noRecordings: LoadResult = {
  files: 0,
  interactions: 0,
  formats: new Map(),
  otherFiles: 0,
  problems: [],
}

/** How many times one request reads a file that changes during reading. */
const MAX_READ_ATTEMPTS = 3

/**
 * Creates replay mode, and indexes its folder synchronously, because nothing can be served before.
 *
 * @throws {OperatorError} RECORDINGS_UNREADABLE
 */
export function createReplay({
  id,
  recordings,
  secrets,
  logger,
  generate,
  record,
  forward,
  isWritten,
  cursors,
  use: deps,
}: ReplayDeps): Replay {
  const { dir, match, replay } = recordings
  const index = new RecordingIndex(createMatchKeys(match))
  const reader = new RecordingReader()
  const redactor = createRedactor(recordings.redact, { secrets })
  const selector = new RecordingSelector(recordings, cursors)
  const paces = new PaceTable(index, reader)
  const folder = new RecordingFolder(dir, index)
  const use = new FolderUse(id, deps?.isReported ?? false)
  const loaded = isWritten && !existsSync(dir) ? noRecordings : folder.load()
  logLoaded(loaded, dir, logger)

  const findRecordings = (request: MatchRequest): EntryList | undefined => {
    const hash = (): string => bodyHash(request.body, request.contentType)
    const found = index.find(request, hash)
    if (found) return found
    // The recording was redacted, so the request must be redacted to match it.
    const redacted = redactedRequest(redactor, request)
    if (!redacted) return index.findConversation(request)
    const isSame = redacted.body === request.body && redacted.path === request.path
    const again = isSame && match.headers.length === 0 ? undefined : index.find(redacted, hash)
    return again ?? index.findConversation(redacted)
  }

  const readAnswer = async (entry: RecordingEntry): Promise<ReplayAnswer | undefined> => {
    const cached = reader.cached(entry)
    if (cached) return cached
    const interaction = await reader.read(entry)
    const isSame = interaction && index.prepare(interaction, entry).entry.key === entry.key
    return isSame ? reader.prepare(entry, interaction) : undefined
  }

  const replayRecording = async (exchange: Exchange, request: MatchRequest): Promise<Reply | undefined> => {
    for (let attempt = 0; attempt < MAX_READ_ATTEMPTS; attempt++) {
      const list = findRecordings(request)
      const next = list && selector.next(list, exchange)
      const entry = next instanceof Promise ? await next : next
      if (!entry) return undefined
      const answer = await readAnswer(entry)
      if (answer) {
        use.hit(entry, exchange.clock.epochMs())
        exchange.answeredBy = entry
        return replayReply(exchange, answer)
      }
      logger.warn(
        { place: locationOf(entry) },
        'A recording file has changed since it was read. It is read again.',
      )
      if (entry.file !== undefined) logProblems(await folder.reload(entry.file), dir, logger)
      paces.clear()
    }
    return undefined
  }

  const onMiss = async (exchange: Exchange, request: MatchRequest): Promise<Reply | undefined> => {
    const action = exchange.deployment?.onMiss ?? replay.onMiss
    use.misses++
    const missed = (answered: MissAction, nearest?: NearestRecording): void =>
      deps?.onMissed(missOf(exchange, id, answered, nearest))
    // A gateway may have no upstream for a request without a deployment.
    const isForwarded = (action === 'record' || action === 'forward') && upstreamOf(exchange) !== undefined
    if (isForwarded) {
      missed(action)
      return action === 'record' ? record(exchange) : forward(exchange)
    }
    if (action === 'generate') {
      const reply = await generate(exchange)
      const pace = reply && (await paces.paceFor(request))
      if (pace) applyPace(reply, pace, exchange)
      exchange.answeredBy = 'generated: no recording'
      if (reply) {
        missed(action)
        return reply
      }
    }
    exchange.answeredBy = 'no recording'
    const nearest = await findNearest(request, index, reader, match, redactor)
    missed('error', nearest)
    // Without the values that differ: they are parts of prompts.
    logger.info({ method: exchange.method, path: exchange.path }, describeMiss(exchange, nearest, dir, false))
    return missReply(exchange, nearest, dir)
  }

  return {
    dir,
    id,
    index,
    use,
    loaded,
    matching: (exchange) => findRecordings(matchExchange(exchange))?.entries ?? [],
    async nearest(exchange) {
      const nearest = await findNearest(matchExchange(exchange), index, reader, match, redactor)
      return nearest && shownNearest(nearest)
    },
    async answer(exchange) {
      const request = matchExchange(exchange)
      return (await replayRecording(exchange, request)) ?? onMiss(exchange, request)
    },
    async example() {
      let searched = 0
      for (const entry of index.entries()) {
        if (searched++ === MAX_EXAMPLES) return undefined
        const interaction = await reader.read(entry).catch(() => undefined)
        const example = interaction && exampleOf(interaction)
        if (example) return example
      }
      return undefined
    },
    unused: () => [...index.entries()].filter(({ used }) => !used).map(locationOf),
    add(interaction, written) {
      const indexed = index.prepare(interaction, { file: undefined, line: 0, source: interaction, written })
      // The request that it was recorded for has used it.
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

/** Identifies a folder with its settings, the same in every process. Each has a separate index. */
export function folderIdOf(recordings: RecordingsConfig): string {
  // The patterns of RECORDING_REDACT can hold secrets.
  const settings = JSON.stringify({ ...recordings, redact: recordings.redact.length })
  return createHash('sha256').update(settings).digest('hex').slice(0, 12)
}

function missOf(
  exchange: Exchange,
  folder: string,
  action: MissAction,
  nearest: NearestRecording | undefined,
): Miss {
  const { method, path, query, headers, body, clock, resource, id } = exchange
  return {
    folder,
    epochMs: clock.epochMs(),
    resource,
    deployment: deploymentOf(exchange),
    requestId: id,
    method,
    path,
    query,
    headers,
    body: body.length > MAX_MISS_BODY_BYTES ? undefined : body,
    bodyBytes: body.length,
    action,
    nearest: nearest && shownNearest(nearest),
  }
}

/** The request as it would be recorded; undefined if the patterns take too long. */
function redactedRequest(redactor: Redactor, request: MatchRequest): MatchRequest | undefined {
  try {
    return redactor.live(request)
  } catch {
    return undefined
  }
}

/** The request as an example, if its body is complete, short, and safe to show on a terminal. */
function exampleOf({ request }: Interaction): ExampleRequest | undefined {
  const { method, path, query, contentType, body } = matchRecorded(request)
  const text = body.toString()
  const isWhole = request.body !== undefined || request.bodyHash === undefined
  const isPlain = !/\p{Cc}|\p{Cf}|\ufffd/u.test(`${method}${path}${query}${contentType ?? ''}${text}`)
  if (!isWhole || !isPlain || body.length + path.length + query.length > MAX_EXAMPLE_BYTES) return undefined
  return { method, path, query, contentType, body: text }
}

/**
 * 404: no recording matches the request. The message contains the nearest recording, the first difference, and how to match it.
 * The official clients do not retry after `x-should-retry: false`.
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

function detailsOf({ entry, method, uri, difference, setting }: NearestRecording): Record<string, unknown> {
  const { at, requested, recorded, advice } = difference
  return {
    nearest: { place: locationOf(entry), method, uri },
    first_difference: { at, requested, recorded },
    would_match: setting ?? advice,
  }
}

/** The message of a miss, for the answer and for the log. */
function describeMiss(
  exchange: Exchange,
  nearest: NearestRecording | undefined,
  dir: string,
  hasValues = true,
): string {
  const missed = `No recording answers ${exchange.method} ${shortText(redactText(exchange.path), 300)}.`
  if (!nearest)
    return `${missed} There is nothing to compare it with in ${dir}. Set REPLAY_ON_MISS=record to record it, or RECORDING_DIR to the folder that has it.`
  const { entry, method, uri, difference, setting } = nearest
  const { at, requested, recorded, advice } = difference
  const values = hasValues ? `: the request has ${requested}, the recording has ${recorded}` : ''
  return `${missed} The nearest is ${method} ${uri} (${locationOf(entry)}). They first differ in ${at}${values}. Set REPLAY_ON_MISS=record to record this request. To get that recording instead: ${setting ?? advice}`
}
