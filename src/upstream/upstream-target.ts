import { dropCredentials } from '../lib/credential-texts.ts'

/** Where the requests of one upstream go. */
export interface UpstreamTarget {
  /** Scheme, host and port: `https://my-resource.openai.azure.com`. */
  readonly origin: string
  readonly secure: boolean
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  /** The path in front of every request's, without a slash at its end; mostly empty. */
  readonly basePath: string
  /** Whether it is a resource of Azure, which takes its key as `api-key`. */
  readonly isAzure: boolean
}

/** Domains of Azure OpenAI, Azure AI services and API Management, in all clouds. */
const azureHost = /\.(azure\.(com|us|cn)|azure-api\.(net|us|cn)|windows\.net)$/i

/** Reads an endpoint that has been checked to be an http or https URL. */
export function parseUpstreamTarget(endpoint: string): UpstreamTarget {
  const url = new URL(endpoint)
  const secure = url.protocol === 'https:'
  return {
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    basePath: url.pathname.replace(/\/+$/, ''),
    isAzure: azureHost.test(url.hostname),
  }
}

/**
 * Whether a path leads out of the endpoint's own: `/openai/../../admin`. Servers differ in what they take for a slash or a dot
 * (`%2F`, `\\`, `%252e`, `..;`), so the widest reading counts; a path that stays inside in all of them is fine.
 */
export function leavesEndpoint({ basePath }: UpstreamTarget, path: string): boolean {
  if (!path.includes('..') && !path.includes('%')) return false
  let depth = 0
  for (const segment of withoutBase(basePath, path).split('/')) {
    // Whatever of a segment's encoded slashes a server takes for slashes, names in a row are at least one level.
    let isInName = false
    for (const part of decodeFully(segment).split(/[/\\]/)) {
      // What follows a semicolon, white space or NUL is dropped by some servers.
      if (/^\s*\.\.(?:[;\s\0]|$)/.test(part)) {
        isInName = false
        if (--depth < 0) return true
      } else if (part !== '' && part !== '.' && !isInName) {
        isInName = true
        depth++
      }
    }
  }
  return false
}

/** How often a name may be encoded; no client encodes one more than twice. */
const MAX_DECODINGS = 8

/**
 * Undoes percent encoding until nothing is encoded any more, two-byte forms of the dot and the slash included. What is encoded
 * more than `maxDecodings` times counts as a way upwards.
 */
function decodeFully(segment: string): string {
  let decoded = segment
  for (let round = 0; round < MAX_DECODINGS; round++) {
    const before = decoded
    decoded = decoded
      .replace(/%c0%(ae|af)/gi, (_, low: string) => (low.toLowerCase() === 'ae' ? '.' : '/'))
      .replace(/%(?:u00)?([0-7][\da-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    if (decoded === before) return decoded
  }
  return '..'
}

function withoutBase(basePath: string, path: string): string {
  return path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
}

/**
 * The path and query that a request has at the upstream. An endpoint is often given with the path that its clients take
 * (`https://api.openai.com/v1`); what a request brings along of it is not said twice. Credentials of the caller stay here.
 */
export function upstreamPath({ basePath }: UpstreamTarget, path: string, query: string): string {
  const whole = basePath + withoutBase(basePath, path)
  const forwarded = dropCredentials(query)
  return forwarded === '' ? whole : `${whole}?${forwarded}`
}
