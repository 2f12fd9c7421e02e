import type { Exchange } from './exchange.ts'

/** A host with an optional port: a name, or an IPv6 address in brackets. */
const plainHost = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/

/**
 * Returns the address of the simulator without a trailing slash: PUBLIC_URL, or else that in the Host header. The scheme is https
 * if a proxy says so in `x-forwarded-proto`. Without a valid host, as for a request in the same process, returns the address in the
 * configuration.
 */
export function originOf({ headers, config }: Pick<Exchange, 'headers' | 'config'>): string {
  if (config.publicUrl !== undefined) return config.publicUrl
  // Several proxies append theirs to a list. The first one is that of the client.
  const forwarded = /^\s*(https?)\s*(?:,|$)/i.exec(String(headers['x-forwarded-proto'] ?? ''))?.[1]
  const scheme = forwarded?.toLowerCase() ?? (config.tls ? 'https' : 'http')
  const { host } = headers
  const address = `${scheme}://${host !== undefined && plainHost.test(host) ? host : `${config.host}:${config.port}`}`
  // In lower case and without the default port, so that one host has one address.
  return URL.canParse(address) ? new URL(address).origin : address
}
