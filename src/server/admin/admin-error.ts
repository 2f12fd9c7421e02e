import { listProblems } from '../../lib/error-text.ts'
import type { JsonSchema } from '../../config/patch-json-schema.ts'
import { type AdminAnswer, schemaRef } from './admin-route.ts'

/** The schema of every error. */
export const errorJsonSchema: JsonSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string', description: 'A word for programs, such as InvalidConfig.' },
        message: { type: 'string', description: 'What is wrong and what to do, for people.' },
        problems: {
          type: 'array',
          items: { type: 'string' },
          description: 'Each problem by itself, where there may be several.',
        },
      },
      required: ['code', 'message'],
      additionalProperties: false,
    },
  },
  required: ['error'],
}

/** Documents an answer that is an error. */
export function errorAnswer(description: string): {
  readonly description: string
  readonly schema: JsonSchema
} {
  return { description, schema: schemaRef('Error') }
}

/**
 * Makes the answer of something that is refused.
 *
 * @param message in the form "Could not X: Y (got Z). Do W."
 */
export function refuse(
  status: number,
  code: string,
  message: string,
  problems?: readonly string[],
): AdminAnswer {
  return { status, body: { error: { code, message, ...(problems && { problems }) } } }
}

/**
 * Makes the 400 of something with several problems, all of which the message tells.
 *
 * @param what completes "Could not ...": `change the configuration`
 */
export function refuseProblems(code: string, what: string, problems: readonly string[]): AdminAnswer {
  const listed = listProblems(problems)
  return refuse(400, code, `Could not ${what}: ${listed.join('\n')}`, listed)
}
