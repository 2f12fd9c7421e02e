import { statSync } from 'node:fs'
import { recogniseRoute } from '../wire/route.ts'
import { summarise } from '../recordings/recording-summary.ts'
import { tellProblems } from './recordings-problems.ts'
import type { RecordingsRun } from './recordings-run.ts'

interface Count {
  interactions: number
  streams: number
  errors: number
  promptTokens: number
  completionTokens: number
  durationsMs: number[]
}

/** Prints counts, sizes, times and tokens: in all, and for each operation. */
export function recordingStats(run: RecordingsRun, paths: readonly string[]): void {
  const files = run.filesOf(paths)
  const counts = new Map<string, Count>()
  const requests = new Set<string>()
  const problems = run.scan(files, (interaction) => {
    const { method, path, status, events, durationMs, usage } = summarise(interaction)
    const operation = recogniseRoute(method, path)?.operation ?? 'other'
    const count = counts.get(operation) ?? newCount()
    counts.set(operation, count)
    requests.add(`${method} ${path}`)
    count.interactions++
    if (events !== undefined) count.streams++
    if (status >= 400) count.errors++
    count.promptTokens += usage?.promptTokens ?? 0
    count.completionTokens += usage?.completionTokens ?? 0
    if (durationMs !== undefined) count.durationsMs.push(durationMs)
  })
  const rows = [...counts].map(
    ([operation, { durationsMs, interactions, streams, errors, promptTokens, completionTokens }]) => ({
      operation,
      interactions,
      streams,
      errors,
      promptTokens,
      completionTokens,
      medianMs: quantile(durationsMs, 0.5),
      p95Ms: quantile(durationsMs, 0.95),
    }),
  )
  const total = {
    files: files.length,
    bytes: files.reduce((sum, file) => sum + sizeOf(file), 0),
    interactions: rows.reduce((sum, { interactions }) => sum + interactions, 0),
    paths: requests.size,
    problems: problems.length,
  }
  run.print(
    `${total.interactions} interactions on ${total.paths} paths, in ${total.files} files of ${total.bytes} bytes.`,
  )
  for (const row of rows) {
    const time = row.medianMs === undefined ? 'no times' : `median ${row.medianMs} ms, p95 ${row.p95Ms} ms`
    run.print(
      `  ${row.operation}: ${row.interactions} (${row.streams} streams, ${row.errors} errors), ${row.promptTokens} + ${row.completionTokens} tokens, ${time}`,
    )
  }
  run.printJson({ ...total, operations: rows })
  tellProblems(run, problems)
}

function newCount(): Count {
  return { interactions: 0, streams: 0, errors: 0, promptTokens: 0, completionTokens: 0, durationsMs: [] }
}

/** The smallest value that the given share of all values does not exceed, rounded; undefined when there are none. */
function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = Float64Array.from(values).sort()
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  return value === undefined ? undefined : Math.round(value)
}

/** Nothing for a link to nowhere or to itself, of which the scan has told. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}
