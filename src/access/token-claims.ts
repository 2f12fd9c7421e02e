import { createHash } from 'node:crypto'
import type { ResourceView } from '../config/config.ts'

// What the token endpoint writes into tokens of the simulator, and the stage `key` expects in them.

/** The issuer of a resource. @param base address of the simulator, without a trailing slash */
export function issuerOf(base: string, resource: string): string {
  return `${base}/${resource}/v2.0`
}

/** The tenant (`tid`) of a resource: the tenant that owns it, or a GUID that is fixed for the resource. */
export function tenantIdOf({ tenant, id }: Pick<ResourceView, 'tenant' | 'id'>): string {
  return tenant ?? guidOf(`tenant ${id}`)
}

/** Id of the key in SIMULATOR_API_KEY, as a client of the token endpoint. */
export const apiKeyId = 'key'

/**
 * The object id (`oid`) of a key as a client of the token endpoint. It depends on the text of the key, so that a token is no longer
 * valid when another key replaces the key under the same id.
 *
 * @param hash hash of the key
 */
export function objectIdOf({ id }: Pick<ResourceView, 'id'>, hash: string): string {
  return guidOf(`key ${id} ${hash}`)
}

function guidOf(text: string): string {
  const hex = createHash('sha256').update(`aoai-simulated-api ${text}`).digest('hex')
  // Version 8 of RFC 9562: a hash of one's own choice.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/**
 * Returns whether two values of the Host header are the same address. All names of this machine count as one, because tests and
 * containers use them interchangeably.
 *
 * @param host undefined for a request in the same process
 */
export function isSameHost(issuer: string, host: string | undefined): boolean {
  if (host === undefined) return isLoopback(issuer)
  const asked = host.toLowerCase()
  // The host of an issuer has no default port.
  const isSame = issuer === asked || issuer === asked.replace(/:(?:80|443)$/, '')
  return isSame || (isLoopback(issuer) && isLoopback(asked))
}

function isLoopback(host: string): boolean {
  return /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\])(?::\d+)?$/.test(host)
}
