import type { Trace } from '../../src/server/admin/trace-schemas.ts'
import { quoteForShell } from '../lib/format.ts'

/** A command that repeats a request, and what it cannot repeat. */
export interface CurlCommand {
  readonly command: string
  readonly notes: readonly string[]
}

/** Set by curl or by the connection. */
const omitted: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'expect',
  'accept-encoding',
  'cookie',
])

/** What the simulator shows instead of a credential; the second one in a query. */
const redactedMarks = ['[redacted]', 'REDACTED'] as const

/** Longest argument of a command on Linux, in bytes. */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1

const bodyFile = 'body.bin'

/**
 * Returns a command for POSIX shells that repeats a request. The key is `$API_KEY`.
 *
 * @param origin address of the simulator, such as `http://127.0.0.1:8000`
 */
export function curlCommand(trace: Trace, origin: string): CurlCommand {
  const { method, path, query, request } = trace
  const notes: string[] = []
  const parts: string[] = []
  const url = `${origin}${path}${query && `?${query}`}`
  const body = bodyArguments(trace, notes)
  if (trace.status === 401)
    notes.push('The request was refused for its key. The command sends $API_KEY instead.')
  // curl sends GET without a body and POST with one.
  if (method === 'HEAD') parts.push('--head')
  else if (method !== (body.length > 0 ? 'POST' : 'GET')) parts.push(`--request ${quoteForShell(method)}`)
  if (/[[\]{}]/.test(url)) parts.push('--globoff')
  if (/\/\.{1,2}(?:\/|$)/.test(path)) parts.push('--path-as-is')
  parts.push(quoteForShell(url))
  for (const { name, value } of request.headers) {
    if (omitted.has(name.toLowerCase())) {
      if (name.toLowerCase() === 'cookie') notes.push('The cookie of the request is left out.')
      continue
    }
    parts.push(`--header ${headerArgument(name, value)}`)
  }
  // Otherwise curl names its own type.
  const hasType = request.headers.some(({ name }) => name.toLowerCase() === 'content-type')
  if (body.length > 0 && !hasType) parts.push(`--header 'content-type:'`)
  if (redactedMarks.some((mark) => path.includes(mark) || query.includes(mark)))
    notes.push('A credential in the address was removed. Replace REDACTED by it.')
  return { command: ['curl', ...parts, ...body].join(' \\\n  '), notes }
}

function headerArgument(name: string, value: string): string {
  if (value === '') return quoteForShell(`${name};`)
  if (!value.includes('[redacted]')) return quoteForShell(`${name}: ${value}`)
  const scheme = value === '[redacted]' && name.toLowerCase() === 'authorization' ? 'Bearer ' : ''
  const parts = `${name}: ${scheme}${value}`.split('[redacted]')
  return `"${parts.map(inDoubleQuotes).join('$API_KEY')}"`
}

function bodyArguments({ request }: Trace, notes: string[]): string[] {
  const {
    body,
    body_bytes: bytes,
    body_truncated: isTruncated,
    body_redacted: isRedacted,
    media_cut: media,
  } = request
  if (bytes === 0) return []
  if (body === null) {
    notes.push(`The body is binary (${bytes} bytes) and is not kept. Save your own as ${bodyFile}.`)
    return [fromFile]
  }
  if (isTruncated || media > 0) {
    notes.push(
      isTruncated
        ? `Only the start of the body is kept. Save the complete one as ${bodyFile}.`
        : `Images, audio data and files of the body are not kept. Save the complete body as ${bodyFile}.`,
    )
    return [fromFile]
  }
  if (isRedacted) notes.push('Credentials in the body were removed. Replace [redacted] by them.')
  const quoted = quoteForShell(body)
  if (body.includes('\0') || new TextEncoder().encode(quoted).length > MAX_ARGUMENT_BYTES) {
    notes.push(`The body is too large for a command, or has a zero byte. Save it as ${bodyFile}.`)
    return [fromFile]
  }
  return [`--data-raw ${quoted}`]
}

const fromFile = `--data-binary @${bodyFile}`

/** Escapes what has a meaning in double quotes. */
function inDoubleQuotes(text: string): string {
  return text.replace(/[\\"$`]/g, '\\$&')
}
