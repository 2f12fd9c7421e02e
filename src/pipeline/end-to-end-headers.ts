import { HeaderList } from './reply.ts'

/** Hop-by-hop headers, which apply to one connection only (RFC 9110, section 7.6.1, and other common ones). */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Returns the names of headers in a Connection header, in lower case. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  return new Set(connection?.split(',').map((name) => name.trim().toLowerCase()))
}

/** Removes the hop-by-hop headers. Keeps the order and case of the others. */
export function endToEndHeaders(headers: Iterable<readonly [name: string, value: string]>): HeaderList {
  const all = [...headers]
  const connection = all.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value)
  const ofConnection = namedByConnection(connection.join(','))
  const remaining = all.filter(([name]) => {
    const lower = name.toLowerCase()
    return !hopByHop.has(lower) && !ofConnection.has(lower)
  })
  return new HeaderList(remaining.flat())
}
