import { HeaderList } from './reply.ts'

/** Hop-by-hop headers: they belong to one connection (RFC 9110, section 7.6.1, and other common ones). */
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

/** The headers that a Connection header names, in lower case. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  return new Set(connection?.split(',').map((name) => name.trim().toLowerCase()))
}

/** The headers without the hop-by-hop ones, in their order and case. */
export function endToEndHeaders(headers: Iterable<readonly [name: string, value: string]>): HeaderList {
  const all = [...headers]
  const connection = all.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value)
  const ofConnection = namedByConnection(connection.join(','))
  const kept = all.filter(([name]) => {
    const lower = name.toLowerCase()
    return !hopByHop.has(lower) && !ofConnection.has(lower)
  })
  return new HeaderList(kept.flat())
}
