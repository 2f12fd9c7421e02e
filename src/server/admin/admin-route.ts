import * as z from 'zod'
import { listProblems } from '../../lib/error-text.ts'

/** An authenticated request with a validated query and body. */
export interface AdminRequest<Params, Query, Body> {
  /** The path parameters, decoded. */
  readonly params: Params
  readonly query: Query
  /** Parsed JSON, or text for routes of kind `text`; undefined for routes without a body. */
  readonly body: Body
  /** The headers of the request. */
  readonly headers: Headers
}

/** Describes an answer. */
export interface AnswerSpec {
  readonly description: string
  /** Schema of the body; absent for an answer without a body. */
  readonly schema?: z.ZodType
  /** Content type of a streamed body; absent for JSON. */
  readonly contentType?: string
  /** Content types of a file, of which the query selects one. */
  readonly fileTypes?: readonly string[]
}

/** A file to save. */
export interface AnswerFile {
  readonly name: string
  /** Content type. */
  readonly type: string
  readonly text: string
}

/** Describes the body of a request. */
export interface BodySpec<Schema extends z.ZodType, Params> {
  /** `text` is not parsed and can be empty, for routes that also read YAML. */
  readonly kind: 'json' | 'text'
  readonly description: string
  readonly schema: Schema
  readonly example: unknown
  /** Creates the answer for JSON that does not match the schema. Default: the problems as reported by zod. Not used for `text`. */
  readonly refuse?: (body: unknown, params: Params) => Refusal
}

/** The answer of a route: one that its schemas describe, or a refusal. */
export type AdminAnswer<Answers> = Refusal | { [S in keyof Answers]: Answered<Answers[S]> }[keyof Answers]

type Answered<Spec> = Spec extends { readonly fileTypes: readonly string[] }
  ? { readonly status: number; readonly file: AnswerFile }
  : Spec extends { readonly contentType: string }
    ? { readonly status: number; readonly stream: ReadableStream<Uint8Array> }
    : Spec extends { readonly schema: infer Schema extends z.ZodType }
      ? { readonly status: number; readonly body: z.output<Schema> }
      : { readonly status: number; readonly body?: undefined }

/** A route of the admin API. Routing, validation and documentation use this one definition. */
export interface RouteSpec<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Answers extends Readonly<Record<number, AnswerSpec>>,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path with parameters in braces, each a whole segment: `/++/deployments/{name}`. */
  readonly path: string
  /** Unique name in camelCase; the function name in generated clients. */
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  /** Schema of the path parameters. All are strings. */
  readonly params?: Params
  /** Schema of the query: integers, booleans and strings, each with a description. */
  readonly query?: Query
  readonly body?: BodySpec<Body, z.output<Params>>
  /** Answers by status. Answers of all routes are added: 400, 401, and 500 for a failure of the simulator. */
  readonly answers: Answers
  readonly handle: (
    request: AdminRequest<z.output<Params>, z.output<Query>, z.output<Body>>,
  ) => Promise<AdminAnswer<Answers>>
}

/** A route of any kind. */
export type AdminRoute = RouteSpec<z.ZodObject, z.ZodObject, z.ZodType, Readonly<Record<number, AnswerSpec>>>

/** Returns the route unchanged. Its types check the handler against the schemas. */
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

/** An answer that reports an error. */
export interface Refusal {
  readonly status: number
  readonly body: z.output<typeof errorSchema>
}

/** Describes an error answer. */
export function errorAnswer(description: string): AnswerSpec & { readonly schema: typeof errorSchema } {
  return { description, schema: errorSchema }
}

/**
 * Creates an error answer.
 *
 * @param message in the form "Could not X: Y (got Z). Do W."
 */
export function refuse(status: number, code: string, message: string, problems?: readonly string[]): Refusal {
  return { status, body: { error: { code, message, ...(problems && { problems }) } } }
}

/**
 * Creates a 400 that lists all problems.
 *
 * @param what completes "Could not ...": `change the configuration`
 */
export function refuseProblems(code: string, what: string, problems: readonly string[]): Refusal {
  const listed = listProblems(problems)
  return refuse(400, code, `Could not ${what}: ${listed.join('\n')}`, listed)
}
