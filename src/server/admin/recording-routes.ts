import { z } from 'zod'
import type { Simulator } from '../simulator.ts'
import { type AdminRoute, defineRoute, errorAnswer, refuse } from './admin-route.ts'

const saved = z.int().min(0).describe('Number of written interactions.')

/** Returns the routes of recordings. */
export function recordingRoutes(simulator: Simulator): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/++/save-recordings',
      operationId: 'saveRecordings',
      summary: 'Write recordings that are in memory',
      description: 'Needed only with RECORDING_AUTOSAVE=false.',
      answers: {
        200: { description: 'All recordings are written.', schema: z.object({ saved }) },
        400: errorAnswer('The mode does not record.'),
        500: errorAnswer(
          'Some could not be written and stay in memory. `saved` is the number of the others.',
        ),
      },
      async handle() {
        const recorders = simulator.recordings.flatMap(({ recorder }) => recorder ?? [])
        if (recorders.length === 0) {
          const message = `Could not save recordings: ${simulator.config.defaultResource.mode} mode does not record. Start with SIMULATOR_MODE=record.`
          return refuse(400, 'NotRecording', message)
        }
        const reports = await Promise.all(recorders.map((recorder) => recorder.save()))
        const saved = reports.reduce((sum, report) => sum + report.saved, 0)
        const unsaved = reports.reduce((sum, report) => sum + report.unsaved, 0)
        const failures = reports.flatMap((report) => report.failures)
        if (failures.length === 0) return { status: 200, body: { saved } }
        const message = `Could not write ${unsaved} interactions; they stay in memory. ${failures.join(' ')}`
        const { status, body } = refuse(500, 'RecordingsNotSaved', message)
        return { status, body: { saved, ...body } }
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/++/replay-cursors',
      operationId: 'resetReplayCursors',
      summary: 'Replay repeated recordings from the first one',
      query: z.object({
        test: z
          .string()
          .optional()
          .describe('Name of a test, as in REPLAY_TEST_HEADER. Default: all requests.'),
      }),
      answers: { 204: { description: 'The next request gets the first recording.' } },
      async handle({ query: { test } }) {
        await simulator.poolState.cursors.clear?.(test)
        return { status: 204 }
      },
    }),
  ]
}
