import type { RedactRule } from '../config/redact-rules.ts'
import { asBuffer } from './body-hash.ts'
import { type HeaderPairs, headerOf, type Interaction, type RecordedBody } from './interaction.ts'
import { redactJsonFields } from './redact-json.ts'
import { isCredentialHeader } from '../pipeline/redact-names.ts'
import { redactParameters } from '../pipeline/redact-parameters.ts'
import { createPatternRedactor, redacted } from './redact-patterns.ts'
import { utf8Text } from './yaml-scalar.ts'

/** Takes secrets out of an interaction. */
export interface Redactor {
  /** @throws {RedactionTooSlow} when patterns do not come to an end */
  interaction(interaction: Interaction): Interaction
  /**
   * The body as it would be recorded; the same object where it holds no secret.
   *
   * @throws {RedactionTooSlow} when patterns do not come to an end
   */
  body(bytes: Uint8Array, contentType: string | undefined): Uint8Array
}

/** A key that is shorter could stand in any text by chance. */
const shortestKey = 8

/**
 * Makes a redactor: no header that lets somebody in remains, no signature in a query, none of the given keys anywhere,
 * and nothing that the rules name.
 *
 * @param keys of the upstream and of the simulator, which a careless client may have put into a body
 */
export function createRedactor(rules: readonly RedactRule[], keys: readonly string[]): Redactor {
  const names = new Set(rules.flatMap((rule) => (rule.kind === 'name' ? [rule.name] : [])))
  const applyPatterns = createPatternRedactor(
    rules.flatMap((rule) => (rule.kind === 'pattern' ? [rule.source] : [])),
  )
  const longKeys = keys.filter((key) => key.length >= shortestKey)
  const withoutKeys = (text: string): string =>
    longKeys.reduce((rest, key) => (rest.includes(key) ? rest.replaceAll(key, redacted) : rest), text)

  const headers = (pairs: HeaderPairs): HeaderPairs =>
    pairs
      .filter(([name]) => !isCredentialHeader(name) && !names.has(name.toLowerCase()))
      .map(([name, value]) => [name, withoutKeys(value)] as const)

  const uri = (whole: string): string => {
    const mark = whole.indexOf('?')
    const plain =
      mark < 0 ? whole : `${whole.slice(0, mark)}?${redactParameters(whole.slice(mark + 1), names)}`
    return withoutKeys(plain)
  }

  const bodyText = (text: string, contentType: string | undefined): string => {
    const isForm = contentType?.startsWith('application/x-www-form-urlencoded') ?? false
    const fields = isForm ? redactParameters(text, names) : redactJsonFields(text, names)
    return applyPatterns(withoutKeys(fields))
  }

  const body = (bytes: Uint8Array, contentType: string | undefined): Uint8Array => {
    if (bytes.byteLength === 0) return bytes
    const utf8 = utf8Text(bytes)
    // Every byte is a character of Latin-1, so that what is ASCII in binary content is found too.
    const text = utf8 ?? asBuffer(bytes).toString('latin1')
    const plain = bodyText(text, contentType)
    return plain === text ? bytes : Buffer.from(plain, utf8 === undefined ? 'latin1' : 'utf8')
  }

  const recordedBody = (recorded: RecordedBody, contentType: string | undefined): RecordedBody => {
    if (recorded.kind === 'bytes') return { kind: 'bytes', bytes: body(recorded.bytes, contentType) }
    return {
      kind: 'events',
      events: recorded.events.map(({ atMs, text }) => ({
        atMs,
        text: eventText(text, names, withoutKeys, applyPatterns),
      })),
    }
  }

  return {
    body,
    interaction({ request, response, contextValues }) {
      const requestType = headerOf(request.headers, 'content-type')
      const responseType = headerOf(response.headers, 'content-type')
      return {
        request: {
          ...request,
          uri: uri(request.uri),
          headers: headers(request.headers),
          body: request.body && body(request.body, requestType),
        },
        response: {
          ...response,
          headers: headers(response.headers),
          body: recordedBody(response.body, responseType),
        },
        contextValues,
      }
    },
  }
}

/** An event keeps its frame; its data is looked at as a body is. */
function eventText(
  text: string,
  names: ReadonlySet<string>,
  withoutKeys: (text: string) => string,
  applyPatterns: (text: string) => string,
): string {
  const eventLine = (line: string): string => {
    const [start = ''] = /^data: ?/.exec(line) ?? []
    return start === '' ? line : start + redactJsonFields(line.slice(start.length), names)
  }
  const fields = names.size === 0 ? text : text.split('\n').map(eventLine).join('\n')
  return applyPatterns(withoutKeys(fields))
}
