import type { RedactRule } from '../config/redact-rules.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import { createKeyRedactor, type OnFound, redacted, redactHeaderValue, redactQuery, redactText } from '../lib/credential-texts.ts'
import { redactBody, redactEvents } from '../lib/redact-credentials.ts'
import { nextSlice, asBuffer } from '../lib/buffers.ts'
import { decodeBody } from '../lib/content-decoding.ts'
import { type HeaderPairs, headerOf, type Interaction, type RecordedEvent, type RecordedRequest, type RecordedResponse } from './interaction.ts'
import { bodyHash, type MatchRequest } from './match-request.ts'
import { utf8Text } from './yaml-scalar.ts'
import { createContext, Script } from 'node:vm'

const noSecrets: readonly string[] = []

/** A slice takes some 15 milliseconds. */
const SLICE_CHARACTERS = 1_000_000

/** Takes secrets out of an interaction. */
export interface Redactor {
  /** @throws {RedactionTooSlow} when patterns do not come to an end */
  interaction(interaction: Interaction): Interaction
  /**
   * The same, yielding to the event loop between the slices of a long stream.
   *
   * @throws {RedactionTooSlow} when patterns do not come to an end
   */
  interactionInSlices(interaction: Interaction): Promise<Interaction>
  /** @throws {RedactionTooSlow} when patterns do not come to an end */
  request(request: RecordedRequest): RecordedRequest
  /** @throws {RedactionTooSlow} when patterns do not come to an end */
  response(response: RecordedResponse): RecordedResponse
  /**
   * A live request as it would be recorded.
   *
   * @throws {RedactionTooSlow} when patterns do not come to an end
   */
  live(request: MatchRequest): MatchRequest
  /** An address, or a path with its query. */
  uri(uri: string): string
}

/** What a redactor does beside replacing what its rules name. */
interface RedactorOptions {
  /** Gives the keys of the upstream and of the simulator of the moment, which a careless client may have put into a body. */
  readonly secrets?: (() => readonly string[]) | undefined
  /** Whether headers with credentials stay, with `[redacted]` as their value; default: they are left out. */
  readonly keepsHeaders?: boolean
  /** Called with each credential that is found, but for what `secrets` and `rules` name. */
  readonly onFound?: OnFound
}

/**
 * Makes a redactor: no credential of a header, a query, a form, JSON or an address in any text remains, none of the given
 * keys anywhere, and nothing that the rules name.
 */
export function createRedactor(rules: readonly RedactRule[], options: RedactorOptions = {}): Redactor {
  const { secrets = () => noSecrets, keepsHeaders = false, onFound } = options
  const names = new Set(rules.flatMap((rule) => (rule.kind === 'name' ? [rule.name] : [])))
  const applyPatterns = createPatternRedactor(
    rules.flatMap((rule) => (rule.kind === 'pattern' ? [rule.source] : [])),
  )
  const withoutKeys = createKeyRedactor(secrets)

  const header = ([name, value]: HeaderPairs[number]): HeaderPairs => {
    const isSecret = isCredentialName(name, 'header')
    if (!isSecret && !names.has(name.toLowerCase())) {
      return [[name, withoutKeys(redactHeaderValue(value, onFound))]]
    }
    if (isSecret && value !== '' && value !== redacted) onFound?.(`header ${name}`, value)
    return keepsHeaders ? [[name, value === '' ? '' : redacted]] : []
  }

  const uri = (whole: string): string => {
    const mark = whole.indexOf('?')
    const path = redactText(mark < 0 ? whole : whole.slice(0, mark), onFound)
    return withoutKeys(mark < 0 ? path : `${path}?${redactQuery(whole.slice(mark + 1), names, onFound)}`)
  }

  const body = (bytes: Uint8Array, contentType: string | undefined): Uint8Array => {
    if (bytes.byteLength === 0) return bytes
    const utf8 = utf8Text(bytes)
    // Every byte is a character of Latin-1, so that what is ASCII in binary content is found too.
    const text = utf8 ?? asBuffer(bytes).toString('latin1')
    const plain = applyPatterns(withoutKeys(redactBody(text, contentType, { names, onFound })))
    return plain === text ? bytes : Buffer.from(plain, utf8 === undefined ? 'latin1' : 'utf8')
  }

  const request = (recorded: RecordedRequest): RecordedRequest => {
    const contentType = headerOf(recorded.headers, 'content-type')
    const clean = recorded.body && body(recorded.body, contentType)
    const isChanged = recorded.body !== undefined && clean !== recorded.body
    return {
      ...recorded,
      uri: uri(recorded.uri),
      headers: recorded.headers.flatMap(header),
      body: clean,
      // By this the same request is still found.
      bodyHash: recorded.bodyHash ?? (isChanged ? bodyHash(recorded.body, contentType) : undefined),
    }
  }

  const response = (recorded: RecordedResponse): RecordedResponse => {
    const headers = recorded.headers.flatMap(header)
    if (recorded.body.kind === 'events')
      return { ...recorded, headers, body: { kind: 'events', events: recorded.body.events.map(event) } }
    const coding = headerOf(recorded.headers, 'content-encoding')
    const plain = asBuffer(recorded.body.bytes)
    const { bytes } = coding === undefined ? { bytes: plain } : decodeBody(plain, coding)
    const clean = body(bytes, headerOf(recorded.headers, 'content-type'))
    if (clean === bytes) return { ...recorded, headers }
    // What has been unpacked to be cleaned is not packed any more.
    const kept = headers.filter(([name]) => name.toLowerCase() !== 'content-encoding')
    return { ...recorded, headers: kept, body: { kind: 'bytes', bytes: clean } }
  }

  const event = ({ atMs, text }: RecordedEvent): RecordedEvent => ({
    atMs,
    text: applyPatterns(withoutKeys(redactEvents(text, { names, onFound }))),
  })

  const interaction = (whole: Interaction): Interaction => ({
    request: request(whole.request),
    response: response(whole.response),
    contextValues: notes(whole.contextValues, { names, onFound }, withoutKeys),
  })

  const interactionInSlices = async (whole: Interaction): Promise<Interaction> => {
    const { body: answered } = whole.response
    if (answered.kind !== 'events') return interaction(whole)
    const clean: RecordedEvent[] = []
    let characters = 0
    for (const recorded of answered.events) {
      clean.push(event(recorded))
      characters += recorded.text.length
      if (characters < SLICE_CHARACTERS) continue
      characters = 0
      await nextSlice()
    }
    const rest = interaction({
      ...whole,
      response: { ...whole.response, body: { kind: 'events', events: [] } },
    })
    return { ...rest, response: { ...rest.response, body: { kind: 'events', events: clean } } }
  }

  return {
    uri,
    request,
    response,
    live: (live) => ({
      ...live,
      path: uri(live.path),
      body: asBuffer(body(live.body, live.contentType)),
      header: (name) => {
        const value = live.header(name)
        return value === undefined ? undefined : header([name, value])[0]?.[1]
      },
    }),
    interaction,
    interactionInSlices,
  }
}

/** What an extension has noted is JSON, and may hold anything. */
function notes(
  values: Interaction['contextValues'],
  options: Parameters<typeof redactBody>[2],
  withoutKeys: (text: string) => string,
): Interaction['contextValues'] {
  const text = JSON.stringify(values)
  const plain = withoutKeys(redactBody(text, undefined, options))
  return plain === text ? values : (JSON.parse(plain) as Interaction['contextValues'])
}

/**
 * How long the patterns of one text may run, in milliseconds. They are checked against exponential time when they are
 * configured; this bounds what is left, such as two repetitions in a row over a long text.
 */
const BUDGET_MS = 250

/** The patterns could not be applied to a text in time, so that nobody knows what it holds. */
export class RedactionTooSlow extends Error {
  override readonly name = 'RedactionTooSlow'
}

/**
 * Makes a function that replaces what patterns find.
 *
 * @param sources regular expressions; the flags are `g` and `u`
 */
function createPatternRedactor(sources: readonly string[]): (text: string) => string {
  if (sources.length === 0) return (text) => text
  // Only a context of its own can be stopped in the middle of a regular expression.
  const context = createContext({
    text: '',
    patterns: sources.map((source) => new RegExp(source, 'gu')),
    redacted,
  })
  const script = new Script('patterns.reduce((rest, pattern) => rest.replace(pattern, redacted), text)')
  return (text) => {
    context['text'] = text
    try {
      return String(script.runInContext(context, { timeout: BUDGET_MS }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      throw new RedactionTooSlow(
        `RECORDING_REDACT took more than ${BUDGET_MS} ms on one body. Simplify its patterns.`,
      )
    } finally {
      context['text'] = ''
    }
  }
}
