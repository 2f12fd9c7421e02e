import { HeaderList } from './reply.ts'

/** Headers that belong to one connection, not to the message (RFC 9110, 7.6.1, and the customary others). */
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

/** The headers that a Connection header names as its own, in lower case. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  return new Set(connection?.split(',').map((name) => name.trim().toLowerCase()))
}

/** The headers that go on with a message from one connection to the next, in their order and case. */
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
