import { z } from 'zod'
import { listProblems } from '../../lib/error-text.ts'
import type { AnswerSpec } from './admin-route.ts'

/** The schema of every error. */
export const errorSchema = z
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
