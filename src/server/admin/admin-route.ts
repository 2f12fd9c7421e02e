import type { z } from 'zod'
import type { Refusal } from './admin-error.ts'

/** What a route is handed once the key, the query and the body have been checked. */
export interface AdminRequest<Params, Query, Body> {
  /** The parts of the path that stand in braces, decoded. */
  readonly params: Params
  readonly query: Query
  /** Parsed JSON, or text where the route takes that; undefined where it takes no body. */
  readonly body: Body
  /** The headers of the request. */
  readonly headers: Headers
}

/** Describes an answer. */
export interface AnswerSpec {
  readonly description: string
  /** What its body is like; absent for an answer without one. */
  readonly schema?: z.ZodType
  /** Of a body that comes as a stream; absent for JSON. */
  readonly contentType?: string
}

/** What a route takes as its body. */
export interface BodySpec<Schema extends z.ZodType, Params> {
  /** `text` is handed on as it is, for routes that read YAML, too, and may be empty. */
  readonly kind: 'json' | 'text'
  readonly description: string
  readonly schema: Schema
  readonly example: unknown
  /** Answers JSON that does not fit the schema; absent: as zod tells it. The text of `text` is up to the route. */
  readonly refuse?: (body: unknown, params: Params) => Refusal
}

/** What a route answers: what its schemas say, or that it refuses. */
export type AdminAnswer<Answers> = Refusal | { [S in keyof Answers]: Answered<Answers[S]> }[keyof Answers]

type Answered<Spec> = Spec extends { readonly contentType: string }
  ? { readonly status: number; readonly stream: ReadableStream<Uint8Array> }
  : Spec extends { readonly schema: infer Schema extends z.ZodType }
    ? { readonly status: number; readonly body: z.output<Schema> }
    : { readonly status: number; readonly body?: undefined }

/** A route of the administration: the one definition by which it is found, its input checked, and all of it documented. */
export interface RouteSpec<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answers extends Readonly<Record<number, AnswerSpec>>,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With its parameters in braces, each a whole segment: `/++/deployments/{name}`. */
  readonly path: string
  /** Unique, in camelCase, as generated clients name their functions. */
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  /** The parameters of the path, texts all of them. */
  readonly params?: Params
  /** Integers, yes or no, and texts; each has a description. */
  readonly query?: Query
  readonly body?: BodySpec<Body, z.output<Params>>
  /** By status; those that every route may give need not be named: 400, 401, and 500 for a failure of the simulator. */
  readonly answers: Answers
  readonly handle: (
    request: AdminRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<AdminAnswer<Answers>>
}

/** A route of any kind. */
export type AdminRoute = RouteSpec<z.ZodObject, z.ZodObject, z.ZodType, Readonly<Record<number, AnswerSpec>>>

/** Lets the compiler check a route against its own schemas. */
export function defineRoute<
  Answers extends Readonly<Record<number, AnswerSpec>>,
  Params extends z.ZodObject = z.ZodObject<{}>,
  Query extends z.ZodObject = z.ZodObject<{}>,
  Body extends z.ZodType = z.ZodUndefined,
>(route: RouteSpec<Params, Query, Body, Answers>): AdminRoute {
  return route as unknown as AdminRoute
}
