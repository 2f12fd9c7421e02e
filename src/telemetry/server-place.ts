import { hostname } from 'node:os'
import type { Config } from '../config/config.ts'
import type { RequestAttributes } from './request-facts.ts'

/** Addresses that mean all of a machine. */
const wildcards = new Set(['0.0.0.0', '::', '[::]'])

/**
 * Where the simulator listens, as attributes: the configured address, or the name of the machine where that is all of its
 * addresses. A port that the system picks is left out.
 */
export function serverPlace({ host, port }: Pick<Config, 'host' | 'port'>): RequestAttributes {
  return {
    'server.address': wildcards.has(host) ? hostname() : host,
    ...(port !== 0 && { 'server.port': port }),
  }
}
