import type { Upstream as UpstreamSettings } from '../config/config.ts'
import type { Operation } from '../wire/route.ts'
import { isAzureHost } from './upstream-target.ts'

/** A service that requests are forwarded to. */
export interface Upstream {
  readonly name: string
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly kind: 'azure' | 'openai' | 'anthropic' | 'serverless'
  readonly credential: UpstreamCredential
  readonly apiVersion: ApiVersionRules
  readonly connectTimeoutMs: number
  readonly firstByteTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly totalTimeoutMs: number
  readonly connections: number
  readonly retries: number
}

/** The credential of an upstream. */
export type UpstreamCredential =
  | { readonly kind: 'key'; readonly key: string }
  | {
      readonly kind: 'entra'
      readonly scope: string
      readonly tenantId?: string
      readonly clientId?: string
      readonly clientSecret?: string
    }
  | { readonly kind: 'caller' }

/** The api-version of requests to an upstream. */
export interface ApiVersionRules {
  readonly default: string
  readonly byOperation: ReadonlyMap<Operation, string>
  readonly byModel: readonly { readonly prefix: string; readonly version: string }[]
}

/** The upstream of the settings of a resource. */
export function upstreamFrom({ key, ...settings }: UpstreamSettings): Upstream {
  const { hostname, pathname } = new URL(settings.endpoint)
  const isOpenai = !isAzureHost(hostname) && /\/v1\/?$/.test(pathname) && !/\/openai\/v1\/?$/.test(pathname)
  return {
    ...settings,
    name: 'default',
    kind: isOpenai ? 'openai' : 'azure',
    credential: { kind: 'key', key },
    apiVersion: { default: 'as-asked', byOperation: new Map(), byModel: [] },
  }
}
