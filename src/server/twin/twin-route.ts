import type * as z from 'zod'
import { showValue } from '../../config/zod-problems.ts'
import { nearestNames } from '../../lib/nearest-names.ts'
import type { AuditRecord } from './audit-log.ts'

/** Who may use a route. `tenant` includes the administrator. */
export type TwinAuth = 'public' | 'tenant' | 'admin'

/** A request that is authenticated as its route requires, with a valid query and body. */
export interface TwinRequest {
  /** Id of the tenant; undefined for the administrator and on public routes. */
  readonly tenant: string | undefined
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  /** Members of the JSON object in the body; empty without a body. */
  readonly body: Readonly<Record<string, unknown>>
  /** Address of the simulator, without a slash at the end. */
  readonly origin: string
}

/** The answer of a route. */
export interface TwinAnswer {
  readonly status: number
  /** JSON, or text. */
  readonly body: object | string
  readonly headers?: Readonly<Record<string, string>>
  /** What the record of the operation is about. */
  readonly audit?: Partial<Pick<AuditRecord, 'tenant_id' | 'resource' | 'details'>>
}

/** A route of /_twin. */
export interface TwinRoute {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Path with parameters in braces, each a whole segment. */
  readonly path: string
  readonly auth: TwinAuth
  readonly query?: z.ZodObject
  /** Names of the members of the body; absent: the route has no body. */
  readonly members?: readonly string[]
  /** Name of the operation in records; absent: it is not recorded. */
  readonly operation?: string
  readonly handle: (request: TwinRequest) => Promise<TwinAnswer>
}

/** Returns an error answer. */
export function fail(status: number, error: string, headers?: TwinAnswer['headers']): TwinAnswer {
  return { status, body: { error }, ...(headers && { headers }) }
}

/** A member of a body is invalid. The message is for the caller. */
export class InvalidMember extends Error {
  override readonly name = 'InvalidMember'
}

/** Maximum length of names for people. */
const MAX_NAME_LENGTH = 100

/** Reads a member that is text of at most `most` characters; undefined if it is absent or null. */
export function readText(
  body: TwinRequest['body'],
  name: string,
  most = MAX_NAME_LENGTH,
): string | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string' && value.length <= most) return value
  const got = typeof value === 'string' ? `${value.length} characters` : showValue(value)
  throw new InvalidMember(`'${name}' must be text of at most ${most} characters (got ${got}).`)
}

/** Returns the problem of a body that is not an object with known members; undefined for a valid one. */
export function bodyProblem(body: unknown, members: readonly string[]): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return `The body must be a JSON object (got ${showValue(body)}).`
  }
  const unknown = Object.keys(body).find((name) => !members.includes(name))
  if (unknown === undefined) return undefined
  const [nearest] = nearestNames(unknown, members, 1)
  const known = members.length === 0 ? 'Send {}.' : `Known members: ${members.join(', ')}.`
  return `${showValue(unknown)} is not a member of this body. ${nearest === undefined ? known : `Did you mean ${nearest}?`}`
}
