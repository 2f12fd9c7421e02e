import * as z from 'zod'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, refuseProblems, type AdminRoute, defineRoute } from './admin-route.ts'

/** `json-schema.ts` generates these schemas from the settings. `LiveConfig` validates patches. */
const shownSchema = z.record(z.string(), z.unknown()).meta({ id: 'Config' })
const patchSchema = z.unknown().meta({ id: 'ConfigPatch' })

/** Returns the routes of the whole configuration. */
export function configRoutes(simulator: Simulator): readonly AdminRoute[] {
  const { live } = simulator
  const shown = { description: 'The configuration.', schema: shownSchema }
  return [
    defineRoute({
      method: 'GET',
      path: '/++/config',
      operationId: 'getConfig',
      summary: 'Get the settings that can change at run time',
      answers: { 200: shown },
      handle: async () => ({ status: 200, body: live.shown() }),
    }),
    defineRoute({
      method: 'PATCH',
      path: '/++/config',
      operationId: 'patchConfig',
      summary: 'Change the configuration',
      description: 'A JSON merge patch (RFC 7396). It is atomic and applies to requests that begin after it.',
      body: {
        kind: 'json',
        description:
          'Any part of the answer of GET. Null resets a setting to its default and removes a deployment.',
        schema: patchSchema,
        example: { latency: { open_ai_chat_completions: { mean: 10, std_dev: 0.5 } } },
      },
      answers: {
        200: { ...shown, description: 'The new configuration.' },
        400: errorAnswer('The patch is invalid. All problems are listed, and nothing has changed.'),
      },
      async handle({ body }) {
        const { problems } = await live.patch(body)
        if (problems.length > 0) {
          return refuseProblems('InvalidConfig', 'change the configuration', problems)
        }
        return { status: 200, body: live.shown() }
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/++/reset',
      operationId: 'reset',
      summary: 'Reset to the state after start-up',
      description:
        'Reverts all changes and clears limit usage, the journal, stored responses and positions in repeated recordings. The incident timetable restarts. The clock and the metrics continue.',
      answers: {
        200: { ...shown, description: 'The configuration after start-up.' },
        400: errorAnswer('An input of the start-up configuration is missing, such as the recordings folder.'),
      },
      async handle() {
        const { problems } = await simulator.reset()
        if (problems.length > 0) return refuseProblems('InvalidConfig', 'reset the configuration', problems)
        return { status: 200, body: live.shown() }
      },
    }),
  ]
}
