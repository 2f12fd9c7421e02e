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

const noNames: ReadonlySet<string> = new Set()

/** Returns the names of headers in a Connection header, in lower case. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === 'keep-alive') return noNames
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

/** Returns a list without the hop-by-hop headers. Keeps the order and case of the others. */
export function endToEndHeaders({ raw }: { readonly raw: readonly string[] }): HeaderList {
  const names: string[] = []
  let connection: string | undefined
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    names.push(name)
    if (name === 'connection')
      connection = connection === undefined ? raw[index + 1] : `${connection},${raw[index + 1]}`
  }
  const ofConnection = namedByConnection(connection)
  const remaining: string[] = []
  for (const [at, name] of names.entries()) {
    if (!hopByHop.has(name) && !ofConnection.has(name))
      remaining.push(raw[2 * at] ?? '', raw[2 * at + 1] ?? '')
  }
  return new HeaderList(remaining)
}
