import { z } from 'zod'
import { listProblems } from '../../lib/error-text.ts'

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

/** The schema of every error. */
const errorSchema = z
  .looseObject({
    error: z.object({
      code: z.string().describe('Machine-readable code, such as InvalidConfig.'),
      message: z.string().describe('Problem and fix, for people.'),
      problems: z
        .array(z.string())
        .readonly()
        .optional()
        .describe('List of problems, if there can be several.'),
    }),
  })
  .meta({ id: 'Error' })

/** The answer of something that is refused. */
export interface Refusal {
  readonly status: number
  readonly body: z.output<typeof errorSchema>
}

/** Describes an answer that is an error. */
export function errorAnswer(description: string): AnswerSpec & { readonly schema: typeof errorSchema } {
  return { description, schema: errorSchema }
}

/**
 * Makes the answer of something that is refused.
 *
 * @param message in the form "Could not X: Y (got Z). Do W."
 */
export function refuse(status: number, code: string, message: string, problems?: readonly string[]): Refusal {
  return { status, body: { error: { code, message, ...(problems && { problems }) } } }
}

/**
 * Makes the 400 of something with several problems, all of which the message tells.
 *
 * @param what completes "Could not ...": `change the configuration`
 */
export function refuseProblems(code: string, what: string, problems: readonly string[]): Refusal {
  const listed = listProblems(problems)
  return refuse(400, code, `Could not ${what}: ${listed.join('\n')}`, listed)
}
