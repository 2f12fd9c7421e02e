import type { JsonSchema } from '../../config/patch-json-schema.ts'

/** What a route is handed once the key, the query and the body have been checked. */
export interface AdminRequest {
  /** The parts of the path that stand in braces, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** Only parameters that the route names, in the type of their schema. */
  readonly query: Readonly<Record<string, string | number | boolean>>
  /** Parsed JSON, or text where the route takes that; undefined where it takes no body. */
  readonly body: unknown
}

/** What a route answers. */
export interface AdminAnswer {
  readonly status: number
  /** Sent as JSON; absent for an answer without a body. */
  readonly body?: object
}

/** A query parameter. */
export interface QueryParameter {
  readonly name: string
  readonly description: string
  /** Of type `string`, `integer` or `boolean`. */
  readonly schema: JsonSchema
}

/** What a route takes as its body. */
export interface AdminBody {
  /** `text` is handed on as it is, for routes that read YAML, too, and may be empty. */
  readonly kind: 'json' | 'text'
  readonly description: string
  readonly schema: JsonSchema
  readonly example?: unknown
}

/** A route of the administration, as data: it is served by this, and documented. */
export interface AdminRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its parameters in braces, each a whole segment: `/++/deployments/{name}`. */
  readonly path: string
  /** Unique, in camelCase, as generated clients name their functions. */
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly query?: readonly QueryParameter[]
  readonly body?: AdminBody
  /** By status; those that every route may give need not be named: 400, 401, and 500 for a failure of the simulator. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly schema?: JsonSchema }>>
  readonly handle: (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>
}

/** Names a schema of the OpenAPI document. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}
