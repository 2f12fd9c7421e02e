import { asBuffer } from '../lib/buffers.ts'
import { decodeBody } from '../lib/content-decoding.ts'
import { headerOf, type Interaction } from './interaction.ts'
import { bodyHash, splitUri } from './match-request.ts'
import { redacted, redactedParameter, redactText } from '../lib/credential-texts.ts'
import { isPlaceholder } from '../lib/placeholders.ts'
import { utf8Text } from './yaml-scalar.ts'
import { createRedactor } from './redact-interaction.ts'

/** A likely mistake in an interaction that can be replayed. */
export interface LintWarning {
  readonly rule: string
  /** A sentence without a full stop. */
  readonly reason: string
  /** The advice, as a sentence. */
  readonly fix: string
}

/** Maximum number of locations in one warning. */
const MAX_SHOWN_LOCATIONS = 5

/** @param credentials locations of credentials, such as `header x-api-key` or `member password` */
type Rule = (
  interaction: Interaction,
  credentials: readonly string[],
) => Omit<LintWarning, 'rule'> | undefined

const rules: Readonly<Record<string, Rule>> = {
  'credential-header': (_, credentials) => {
    const names = credentials.flatMap((where) => (where.startsWith('header ') ? [where.slice(7)] : []))
    if (names.length === 0) return undefined
    return {
      reason: `the ${names.length === 1 ? 'header' : 'headers'} ${names.join(', ')} may contain a credential`,
      fix: 'Run aoai-sim recordings scrub.',
    }
  },
  credential: (_, credentials) => {
    const locations = credentials.filter((where) => !where.startsWith('header '))
    if (locations.length === 0) return undefined
    const more =
      locations.length > MAX_SHOWN_LOCATIONS ? `, and ${locations.length - MAX_SHOWN_LOCATIONS} more` : ''
    return {
      reason: `the interaction may contain a credential: ${locations.slice(0, MAX_SHOWN_LOCATIONS).join(', ')}${more}`,
      fix: 'Run aoai-sim recordings scrub.',
    }
  },
  'stale-body-hash': ({ request: { body, bodyHash: recorded, headers } }) => {
    if (body === undefined || recorded === undefined) return undefined
    if (recorded.toLowerCase() === bodyHash(body, headerOf(headers, 'content-type'))) return undefined
    // A redacted body has the hash of the original body, by which the same request is found.
    const bytes = asBuffer(body)
    if (bytes.includes(redacted) || bytes.includes(redactedParameter)) return undefined
    return {
      reason: 'body_hash is not the MD5 of the body, which was edited',
      fix: 'Remove body_hash, unless the original request should be answered too.',
    }
  },
  'unknown-body': ({ request: { body, bodyHash: recorded, headers } }) => {
    const length = Number(headerOf(headers, 'content-length') ?? 0)
    if (body !== undefined || recorded !== undefined || length === 0) return undefined
    return {
      reason: `the request had a body of ${length} bytes, but the recording has no body and no hash`,
      fix: 'Add body or body_hash. Otherwise only a request without a body is answered.',
    }
  },
  'relative-uri': ({ request: { uri } }) => {
    if (splitUri(uri).path.startsWith('/')) return undefined
    return {
      reason: `the uri ${redactText(uri)} has no path that begins with a slash`,
      fix: 'Write the complete address.',
    }
  },
  'events-out-of-order': ({ response: { body } }) => {
    if (body.kind !== 'events') return undefined
    const at = body.events.findIndex(({ atMs }, index) => atMs < (body.events[index - 1]?.atMs ?? 0))
    if (at < 0) return undefined
    return {
      reason: `event ${at} has an earlier time than the previous event`,
      fix: 'Correct its at_ms. It is sent together with the previous event.',
    }
  },
  'not-searched': (interaction) => {
    const part = unsearchedPart(interaction)
    // `still-encoded` reports a response with a content-encoding.
    const isReported =
      part === 'response' && headerOf(interaction.response.headers, 'content-encoding') !== undefined
    if (part === undefined || isReported) return undefined
    return {
      reason: `the body of the ${part} is compressed, and is not searched for credentials`,
      fix: 'Write it without compression and content-encoding.',
    }
  },
  'still-encoded': ({ response: { body, headers } }) => {
    if (body.kind === 'events') return undefined
    const coding = headerOf(headers, 'content-encoding')
    const { encoded, isTooLarge } = decodeBody(asBuffer(body.bytes), coding)
    if (isTooLarge) {
      return {
        reason: `the body would have more than 64 MB without its content-encoding (${coding}), and is replayed compressed`,
        fix: 'Remove the interaction, unless clients can process such an answer.',
      }
    }
    if (!encoded) return undefined
    return {
      reason: `the body does not have the content-encoding of its header (${coding})`,
      fix: 'Record it again without accept-encoding. Clients cannot read it.',
    }
  },
}

/**
 * The part of an interaction with a compressed body that cannot be searched for credentials; undefined if all bodies can be searched. Responses
 * are decompressed by their content-encoding, requests are not.
 */
export function unsearchedPart({ request, response }: Interaction): 'request' | 'response' | undefined {
  const requestBody = asBuffer(request.body ?? new Uint8Array())
  const isCoded = /^(?!identity$)./i.test(headerOf(request.headers, 'content-encoding')?.trim() ?? '')
  if (isCompressed(requestBody) || (isCoded && utf8Text(requestBody) === undefined)) return 'request'
  if (response.body.kind === 'events') return undefined
  const coding = headerOf(response.headers, 'content-encoding')
  const { bytes, encoded } = decodeBody(asBuffer(response.body.bytes), coding)
  return isCompressed(bytes) || (encoded && utf8Text(bytes) === undefined) ? 'response' : undefined
}

/** Whether bytes are gzip or zstd. The other codings have no signature. */
function isCompressed(bytes: Buffer): boolean {
  return (
    (bytes[0] === 0x1f && bytes[1] === 0x8b) || (bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528)
  )
}

/** Finds likely mistakes in an interaction. */
export function lintInteraction(interaction: Interaction): LintWarning[] {
  const found = new Set<string>()
  const onFound = (where: string, value: string): boolean => {
    // The request and the response can have a header in different cases.
    const isNew =
      !isPlaceholder(value) && ![...found].some((other) => other.toLowerCase() === where.toLowerCase())
    if (isNew) found.add(where)
    return true
  }
  createRedactor([], { onFound }).interaction(interaction)
  const credentials = [...found]
  return Object.entries(rules).flatMap(([rule, check]) => {
    const warning = check(interaction, credentials)
    return warning ? [{ rule, ...warning }] : []
  })
}

/** A credential outside of the interactions of a file: its line, from 1, and its kind. */
export interface OutsideCredential {
  readonly line: number
  readonly where: string
}

/**
 * Finds the first credential in the text of a file. It also finds credentials outside of interactions: in comments, under other
 * keys, or after the end of a document.
 */
export function findOutsideCredential(text: string): OutsideCredential | undefined {
  let first: { value: string; where: string } | undefined
  redactText(text, (where, value) => {
    if (!isPlaceholder(value)) first ??= { value, where }
    return true
  })
  if (first === undefined) return undefined
  return { line: text.slice(0, text.indexOf(first.value)).split('\n').length, where: first.where }
}
