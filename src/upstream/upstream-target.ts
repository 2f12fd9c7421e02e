/** The address of one upstream. */
export interface UpstreamTarget {
  /** Scheme, host and port: `https://my-resource.openai.azure.com`. */
  readonly origin: string
  readonly secure: boolean
  /** Without the brackets of IPv6. */
  readonly host: string
  readonly port: number
  /** Prefix of all paths, without a slash at its end; usually empty. */
  readonly basePath: string
  /** `basePath` without the prefix of an API at its end, such as `/v1` or `/openai/v1`. */
  readonly rootPath: string
}

/** Parses an endpoint, which must be an http or https URL. */
export function parseUpstreamTarget(endpoint: string): UpstreamTarget {
  const url = new URL(endpoint)
  const secure = url.protocol === 'https:'
  const basePath = url.pathname.replace(/\/+$/, '')
  return {
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    basePath,
    rootPath: basePath.replace(/\/(?:openai(?:\/v1)?|anthropic(?:\/v1)?|v1|models)$/, ''),
  }
}

const targets = new Map<string, UpstreamTarget>()

/** Returns the parsed endpoint. Endpoints are configured, so that the cache is small. */
export function targetOf(endpoint: string): UpstreamTarget {
  let target = targets.get(endpoint)
  if (!target) {
    target = parseUpstreamTarget(endpoint)
    targets.set(endpoint, target)
  }
  return target
}

/**
 * Whether a path leads outside of the path of the endpoint: `/openai/../../admin`. Servers differ in what they accept as a slash
 * or a dot (`%2F`, `\\`, `%252e`, `..;`). Returns true if the path leads outside in any of these interpretations.
 */
export function leavesEndpoint({ basePath }: UpstreamTarget, path: string): boolean {
  if (!path.includes('..') && !path.includes('%')) return false
  let depth = 0
  for (const segment of withoutBasePath(basePath, path).split('/')) {
    // Servers may or may not decode encoded slashes. Adjacent names in a segment count as one level, the minimum.
    let isInName = false
    for (const part of decodeFully(segment).split(/[/\\]/)) {
      // Some servers drop everything after a semicolon, white space or NUL.
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

/** How many times a name may be encoded. Clients encode a name at most twice. */
const MAX_DECODINGS = 8

/**
 * Decodes percent encoding repeatedly, including the two-byte forms of the dot and the slash. Returns `..` for a segment that is
 * encoded more than `MAX_DECODINGS` times.
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

/** Removes the path of the endpoint from the start of a path, so that it is not repeated. */
export function withoutBasePath(basePath: string, path: string): string {
  return path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path
}
