import { z } from 'zod'
import type { Simulator } from '../simulator.ts'
import { errorAnswer, refuse } from './admin-error.ts'
import { type AdminRoute, defineRoute } from './admin-route.ts'

const saved = z.int().min(0).describe('How many interactions were written.')

/** The routes of recordings. */
export function recordingRoutes(simulator: Simulator): readonly AdminRoute[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/++/save-recordings',
      operationId: 'saveRecordings',
      summary: 'Write the recordings that are kept in memory',
      description: 'Needed only with RECORDING_AUTOSAVE=false.',
      answers: {
        200: { description: 'All are written.', schema: z.object({ saved }) },
        400: errorAnswer('Nothing is recorded in this mode.'),
        500: errorAnswer('Some could not be written and are kept in memory; `saved` counts the others.'),
      },
      async handle() {
        const { recorder } = simulator.recordings
        if (!recorder) {
          const message = `Nothing is recorded in ${simulator.config.defaultResource.mode} mode. Start with SIMULATOR_MODE=record.`
          return refuse(400, 'NotRecording', message)
        }
        const report = await recorder.save()
        if (report.failures.length === 0) return { status: 200, body: { saved: report.saved } }
        const message = `${report.kept} interactions could not be written and are kept in memory. ${report.failures.join(' ')}`
        const { status, body } = refuse(500, 'RecordingsNotSaved', message)
        return { status, body: { saved: report.saved, ...body } }
      },
    }),
  ]
}
