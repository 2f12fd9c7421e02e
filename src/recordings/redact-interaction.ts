import type { RedactRule } from '../config/redact-rules.ts'
import { isCredentialName } from '../lib/credential-names.ts'
import {
  createKeyRedactor,
  type OnFound,
  redacted,
  redactHeaderValue,
  redactQuery,
  redactText,
} from '../lib/credential-texts.ts'
import { redactBody, redactEvents } from '../lib/redact-credentials.ts'
import { nextSlice, asBuffer } from '../lib/buffers.ts'
import { decodeBody } from '../lib/content-decoding.ts'
import {
  type HeaderPairs,
  headerOf,
  type Interaction,
  type RecordedEvent,
  type RecordedRequest,
  type RecordedResponse,
} from './interaction.ts'
import { bodyHash, type MatchRequest } from './match-request.ts'
import { utf8Text } from './yaml-scalar.ts'
import { createContext, Script } from 'node:vm'

const noSecrets: readonly string[] = []

/** Characters between two yields, about 15 milliseconds of work. */
const SLICE_CHARACTERS = 1_000_000

/** Removes secrets from interactions. */
export interface Redactor {
  /** @throws {RedactionTooSlow} when patterns do not come to an end */
  interaction(interaction: Interaction): Interaction
  /**
   * Asynchronous `interaction`, which yields to the event loop between slices of a long stream.
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

/** Options of a redactor in addition to its rules. */
interface RedactorOptions {
  /** Returns the current keys of the upstream and of the simulator, which a client may have put into a body. */
  readonly secrets?: (() => readonly string[]) | undefined
  /** Whether headers with credentials are kept with the value `[redacted]`; default: they are removed. */
  readonly keepHeaders?: boolean
  /** Called with each credential that is found, except matches of `secrets` and rules. Returns whether it is replaced. */
  readonly onFound?: OnFound
}

/**
 * Creates a redactor. It removes credentials in headers, queries, forms, JSON and addresses in text, all given keys, and all matches
 * of the rules.
 */
export function createRedactor(rules: readonly RedactRule[], options: RedactorOptions = {}): Redactor {
  const { secrets = () => noSecrets, keepHeaders: keepsHeaders = false, onFound } = options
  const names = new Set(rules.flatMap((rule) => (rule.kind === 'name' ? [rule.name] : [])))
  const applyPatterns = createPatternRedactor(
    rules.flatMap((rule) => (rule.kind === 'pattern' ? [rule.source] : [])),
  )
  const redactKeys = createKeyRedactor(secrets)

  const header = ([name, value]: HeaderPairs[number]): HeaderPairs => {
    const isSecret = isCredentialName(name, 'header')
    const isListed = names.has(name.toLowerCase())
    if (!isSecret && !isListed) return [[name, redactKeys(redactHeaderValue(value, onFound))]]
    if (isSecret && onFound?.(`header ${name}`, value) === false && !isListed)
      return [[name, redactKeys(value)]]
    return keepsHeaders ? [[name, value === '' ? '' : redacted]] : []
  }

  const uri = (fullUri: string): string => {
    const queryStart = fullUri.indexOf('?')
    const path = redactText(queryStart < 0 ? fullUri : fullUri.slice(0, queryStart), onFound)
    return redactKeys(
      queryStart < 0 ? path : `${path}?${redactQuery(fullUri.slice(queryStart + 1), names, onFound)}`,
    )
  }

  const body = (bytes: Uint8Array, contentType: string | undefined): Uint8Array => {
    if (bytes.byteLength === 0) return bytes
    const utf8 = utf8Text(bytes)
    // Reads binary content as Latin-1, so that ASCII text in it is found too.
    const text = utf8 ?? asBuffer(bytes).toString('latin1')
    const redactedText = applyPatterns(redactKeys(redactBody(text, contentType, { names, onFound })))
    return redactedText === text ? bytes : Buffer.from(redactedText, utf8 === undefined ? 'latin1' : 'utf8')
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
      // The same request is still found by this hash.
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
    // The redacted body is not compressed any more.
    const remaining = headers.filter(([name]) => name.toLowerCase() !== 'content-encoding')
    const pieces = recorded.body.bytes.byteLength === clean.byteLength ? recorded.body.pieces : undefined
    return {
      ...recorded,
      headers: remaining,
      body: { kind: 'bytes', bytes: clean, ...(pieces && { pieces }) },
    }
  }

  const event = ({ atMs, text }: RecordedEvent): RecordedEvent => ({
    atMs,
    text: applyPatterns(redactKeys(redactEvents(text, { names, onFound }))),
  })

  const interaction = (original: Interaction): Interaction => ({
    request: request(original.request),
    response: response(original.response),
    contextValues: redactContextValues(original.contextValues, { names, onFound }, redactKeys),
  })

  const interactionInSlices = async (original: Interaction): Promise<Interaction> => {
    const { body: responseBody } = original.response
    if (responseBody.kind !== 'events') return interaction(original)
    const clean: RecordedEvent[] = []
    let characters = 0
    for (const recorded of responseBody.events) {
      clean.push(event(recorded))
      characters += recorded.text.length
      if (characters < SLICE_CHARACTERS) continue
      characters = 0
      await nextSlice()
    }
    const rest = interaction({
      ...original,
      response: { ...original.response, body: { kind: 'events', events: [] } },
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

/** Redacts the JSON values of extensions. */
function redactContextValues(
  values: Interaction['contextValues'],
  options: Parameters<typeof redactBody>[2],
  withoutKeys: (text: string) => string,
): Interaction['contextValues'] {
  const text = JSON.stringify(values)
  const plain = withoutKeys(redactBody(text, undefined, options))
  return plain === text ? values : (JSON.parse(plain) as Interaction['contextValues'])
}

/**
 * Time limit of all patterns on one text. The configuration rejects patterns of exponential time; this limit covers the others,
 * such as two adjacent repetitions on a long text.
 */
const MAX_PATTERN_MS = 250

/** The patterns took too long on a text, so it may still contain secrets. */
export class RedactionTooSlow extends Error {
  override readonly name = 'RedactionTooSlow'
}

/**
 * Creates a function that replaces the matches of patterns.
 *
 * @param sources regular expressions; the flags are `g` and `u`
 */
function createPatternRedactor(sources: readonly string[]): (text: string) => string {
  if (sources.length === 0) return (text) => text
  // A regular expression can be interrupted only in a separate context.
  const context = createContext({
    text: '',
    patterns: sources.map((source) => new RegExp(source, 'gu')),
    redacted,
  })
  const script = new Script('patterns.reduce((rest, pattern) => rest.replace(pattern, redacted), text)')
  return (text) => {
    context['text'] = text
    try {
      return String(script.runInContext(context, { timeout: MAX_PATTERN_MS }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      throw new RedactionTooSlow(
        `Could not redact a body: RECORDING_REDACT took more than ${MAX_PATTERN_MS} ms. Simplify its patterns.`,
      )
    } finally {
      context['text'] = ''
    }
  }
}
