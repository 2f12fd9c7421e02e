import type { JsonSchema } from '../../config/patch-json-schema.ts'
import { errorAnswer, errorJsonSchema } from './admin-error.ts'
import type { AdminBody, AdminRoute } from './admin-route.ts'
import { configSchema } from './config-json-schema.ts'
import { deploymentSchemas } from './deployment-json-schema.ts'
import { incidentStateSchema } from './incident-json-schema.ts'
import { journalSchemas } from './journal-json-schema.ts'

const commonAnswers = {
  400: errorAnswer('The query or the body is wrong.'),
  401: errorAnswer('The key is missing or is not that of the administration.'),
  500: errorAnswer('The simulator failed; its log says why.'),
}

/** Makes the OpenAPI 3.1 document of a table of routes. */
export function openapiDocument(routes: readonly AdminRoute[], version: string): object {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = (paths[route.path] ??= pathItem(route.path))
    path[route.method.toLowerCase()] = operation(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Administration of aoai-simulated-api',
      version,
      description:
        'What a running simulator tells of itself, and how it is changed. The key is ADMIN_API_KEY, or SIMULATOR_API_KEY where that is not set. See docs/admin.md.',
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
          description: 'ADMIN_API_KEY, or SIMULATOR_API_KEY where that is not set.',
        },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same key as a bearer token.' },
      },
      schemas: {
        Config: configSchema('shown'),
        ConfigPatch: configSchema('patch'),
        ...deploymentSchemas(),
        ...journalSchemas,
        IncidentState: incidentStateSchema,
        Error: errorJsonSchema,
      },
    },
  }
}

/** What all methods of a path share: its parameters. */
function pathItem(path: string): Record<string, unknown> {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name)
  if (names.length === 0) return {}
  return {
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
  }
}

function operation({ operationId, summary, description, query, body, answers }: AdminRoute): object {
  const responses = Object.entries({ ...commonAnswers, ...answers }).map(
    ([status, { description: meaning, schema }]: [
      string,
      { readonly description: string; readonly schema?: JsonSchema },
    ]) => [status, { description: meaning, ...(schema && { content: { 'application/json': { schema } } }) }],
  )
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    ...(query && { parameters: query.map((parameter) => ({ ...parameter, in: 'query' })) }),
    ...(body && { requestBody: requestBody(body) }),
    responses: Object.fromEntries(responses) as object,
  }
}

function requestBody({ kind, description, schema, example }: AdminBody): object {
  const content = { schema, ...(example !== undefined && { example }) }
  return {
    description,
    required: kind === 'json',
    content: {
      'application/json': content,
      ...(kind === 'text' && { 'application/yaml': content }),
    },
  }
}
