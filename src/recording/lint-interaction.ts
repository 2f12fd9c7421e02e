import { bodyHash } from './body-hash.ts'
import { decodeBody } from './content-decoding.ts'
import { headerOf, type HeaderPairs, type Interaction } from './interaction.ts'
import { splitUri } from './match-request.ts'
import { isCredentialHeader } from '../pipeline/redact-names.ts'
import { asBuffer } from './body-hash.ts'

/** Something in an interaction that is served, but most likely not as its owner thinks. */
export interface LintWarning {
  readonly rule: string
  /** A sentence without its full stop. */
  readonly reason: string
  /** What to do, as a sentence. */
  readonly cure: string
}

type Rule = (interaction: Interaction) => Omit<LintWarning, 'rule'> | undefined

const rules: Readonly<Record<string, Rule>> = {
  'credential-header': ({ request, response }) => {
    const found = [...credentials(request.headers), ...credentials(response.headers)]
    if (found.length === 0) return undefined
    return {
      reason: `the header ${found.join(', ')} may let a reader of the file in`,
      cure: 'Run aoai-sim recordings scrub.',
    }
  },
  'stale-body-hash': ({ request: { body, bodyHash: recorded, headers } }) => {
    if (body === undefined || recorded === undefined) return undefined
    if (recorded.toLowerCase() === bodyHash(body, headerOf(headers, 'content-type'))) return undefined
    return {
      reason: 'body_hash is not the MD5 of the body, which was edited or redacted',
      cure: 'Remove body_hash, unless the request as it was first recorded should be answered too.',
    }
  },
  'unknown-body': ({ request: { body, bodyHash: recorded, headers } }) => {
    const length = Number(headerOf(headers, 'content-length') ?? 0)
    if (body !== undefined || recorded !== undefined || length === 0) return undefined
    return {
      reason: `the request had a body of ${length} bytes, of which the recording has neither bytes nor hash`,
      cure: 'Add body or body_hash: as it is, only a request without a body is answered.',
    }
  },
  'relative-uri': ({ request: { uri } }) => {
    if (splitUri(uri).path.startsWith('/')) return undefined
    return { reason: `the uri ${uri} has no path that begins with a slash`, cure: 'Write the whole address.' }
  },
  'events-out-of-order': ({ response: { body } }) => {
    if (body.kind !== 'events') return undefined
    const at = body.events.findIndex(({ atMs }, index) => atMs < (body.events[index - 1]?.atMs ?? 0))
    if (at < 0) return undefined
    return {
      reason: `event ${at} comes before the event in front of it`,
      cure: 'Sort its at_ms: it is sent together with the one before it.',
    }
  },
  'still-encoded': ({ response: { body, headers } }) => {
    if (body.kind === 'events') return undefined
    const coding = headerOf(headers, 'content-encoding')
    const { encoded, isTooLarge } = decodeBody(asBuffer(body.bytes), coding)
    if (isTooLarge) {
      return {
        reason: `the body would have more than 64 MB without its content-encoding (${coding}), and is replayed as it is`,
        cure: 'Remove the interaction, unless clients can bear such an answer.',
      }
    }
    if (!encoded) return undefined
    return {
      reason: `the body is not in the content-encoding that it names (${coding})`,
      cure: 'Record it anew without accept-encoding: clients will not be able to read it.',
    }
  },
}

/** Looks for what is served but most likely wrong. */
export function lintInteraction(interaction: Interaction): LintWarning[] {
  return Object.entries(rules).flatMap(([rule, check]) => {
    const warning = check(interaction)
    return warning ? [{ rule, ...warning }] : []
  })
}

function credentials(headers: HeaderPairs): string[] {
  return headers.flatMap(([name, value]) => (isCredentialHeader(name) && value !== '' ? [name] : []))
}
