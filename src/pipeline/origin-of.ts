import type { Exchange } from './exchange.ts'

/** Letters, digits and what else stands in a host with a port, IPv6 in brackets included. */
const plainHost = /^[A-Za-z0-9._-]+(:\d{1,5})?$|^\[[0-9a-fA-F:.]+\](:\d{1,5})?$/

/**
 * Where the caller reaches the simulator, from the Host header, without a slash at the end. A proxy that ends TLS tells
 * so in `x-forwarded-proto`. A request in the same process has no host: it gets the address of the configuration.
 */
export function originOf({ headers, config }: Exchange): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  const { host } = headers
  return `${scheme}://${host !== undefined && plainHost.test(host) ? host : `${config.host}:${config.port}`}`
}
