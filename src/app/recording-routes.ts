import { invalidKey } from '../openai/errors.ts'
import { carriesKey } from '../pipeline/authenticate.ts'
import type { App } from './app.ts'
import type { Simulator } from './simulator.ts'

/**
 * Lays out the administration of recordings. `POST /++/save-recordings` writes what record mode keeps in memory and tells
 * how many interactions that were: 400 where nothing is recorded, 500 where something could not be written.
 */
export function addRecordingRoutes(app: App, { recorder, config }: Simulator): void {
  app.post('/++/save-recordings', async (context) => {
    const { 'api-key': key, authorization } = context.req.header()
    if (!carriesKey({ 'api-key': key, authorization }, config.apiKey)) {
      const { status, body, contentType = '' } = invalidKey()
      return new Response(body, { status, headers: { 'Content-Type': contentType } })
    }
    if (!recorder) {
      const message = `Nothing is recorded in ${config.mode.kind} mode. Start with SIMULATOR_MODE=record.`
      return context.json({ error: { code: 'NotRecording', message } }, 400)
    }
    const { saved, kept, failures } = await recorder.save()
    if (failures.length === 0) return context.json({ saved })
    const message = `${kept} interactions could not be written and are kept in memory. ${failures.join(' ')}`
    return context.json({ saved, error: { code: 'RecordingsNotSaved', message } }, 500)
  })
}
