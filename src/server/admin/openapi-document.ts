import type * as z from 'zod'
import { errorAnswer, type AdminRoute, type AnswerSpec } from './admin-route.ts'
import { type JsonSchema, jsonSchemasOf } from './json-schema.ts'
import { queryParameters } from './read-query.ts'

const commonAnswers: Readonly<Record<number, AnswerSpec>> = {
  400: errorAnswer('The query or the body is invalid.'),
  401: errorAnswer('The key is missing or is not the admin key.'),
  500: errorAnswer('Internal error. See the log of the simulator.'),
}

/** Creates the OpenAPI 3.1 document of a list of routes. */
export function openapiDocument(routes: readonly AdminRoute[], version: string): object {
  const zodSchemas: Record<string, z.ZodType> = {}
  for (const { operationId, body, answers } of routes) {
    if (body) zodSchemas[bodyKey(operationId)] = body.schema
    for (const [status, { schema }] of Object.entries({ ...commonAnswers, ...answers }))
      if (schema) zodSchemas[answerKey(operationId, status)] = schema
  }
  const { schemas, components } = jsonSchemasOf(zodSchemas)
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[route.path] ??= pathItem(route))
    path[route.method.toLowerCase()] = operation(route, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Admin API of aoai-simulated-api',
      version,
      description:
        'Inspects and changes a running simulator. The key is ADMIN_API_KEY, or SIMULATOR_API_KEY if that is not set. See docs/admin.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }, { bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'api-key',
          description: 'ADMIN_API_KEY, or SIMULATOR_API_KEY if that is not set.',
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same key as a bearer token.' },
      },
      schemas: components,
    },
  }
}

const bodyKey = (operationId: string): string => `${operationId} body`
const answerKey = (operationId: string, status: string): string => `${operationId} ${status}`

/** Returns the parameters of a path, which all of its methods share. */
function pathItem({ params }: AdminRoute): Record<string, unknown> {
  const parameters = Object.keys(params?.shape ?? {}).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return parameters.length > 0 ? { parameters } : {}
}

function operation(route: AdminRoute, schemas: Readonly<Record<string, JsonSchema>>): object {
  const { operationId, summary, description, query, body, answers } = route
  const responses = Object.entries({ ...commonAnswers, ...answers }).map(([status, answer]) => {
    const schema = schemas[answerKey(operationId, status)]
    const types = answer.fileTypes ?? [answer.contentType ?? 'application/json']
    const content = schema && Object.fromEntries(types.map((type) => [type, { schema }]))
    return [status, { description: answer.description, ...(content && { content }) }]
  })
  const parameters = queryParameters(query).map(({ name, description: meaning, schema }) => ({
    name,
    in: 'query',
    description: meaning,
    schema,
  }))
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(body, schemas[bodyKey(operationId)] ?? {}) }),
    responses: Object.fromEntries(responses) as object,
  }
}

function requestBody(
  { kind, description, example }: NonNullable<AdminRoute['body']>,
  schema: JsonSchema,
): object {
  const content = { schema, example }
  return {
    description,
    required: kind === 'json',
    content: {
      'application/json': content,
      ...(kind === 'text' && { 'application/yaml': content }),
    },
  }
}
