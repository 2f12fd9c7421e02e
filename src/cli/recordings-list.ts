import { createRedactor } from '../recordings/redact-interaction.ts'
import { summarise } from '../recordings/recording-summary.ts'
import type { RecordingsRun } from './recordings-run.ts'
import { tellProblems } from './recordings-problems.ts'

/** Prints one line for each interaction. */
export function listRecordings(run: RecordingsRun, paths: readonly string[]): void {
  const rows: unknown[] = []
  const redactor = createRedactor(run.settings('redact'))
  const problems = run.scan(run.filesOf(paths), (interaction, file, { line }) => {
    const place = `${run.shown(file)}:${line}`
    const { request } = interaction
    const summary = summarise({ ...interaction, request: { ...request, uri: redactor.uri(request.uri) } })
    if (run.isJson) {
      rows.push({ place, ...summary })
      return
    }
    const { method, path, status, events, bytes, durationMs, usage } = summary
    const body = events === undefined ? `${bytes} bytes` : `${events} events`
    const time = durationMs === undefined ? '' : `, ${Math.round(durationMs)} ms`
    const tokens = usage === undefined ? '' : `, ${usage.promptTokens} + ${usage.completionTokens} tokens`
    run.print(`${place}  ${method} ${path}  ${status}  ${body}${time}${tokens}`)
  })
  run.printJson(rows)
  tellProblems(run, problems)
}
