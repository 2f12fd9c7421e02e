import type { Fact, Machine, Results, SavedRatio, SavedThroughput } from './results.ts'

/** Renders the results as Markdown, formatted like Prettier. */
export function renderResults({ throughput, workers, memory, soak }: Results): string {
  const parts: string[] = []
  if (throughput) parts.push(renderCases('### Throughput', throughput))
  if (workers) parts.push(renderCases(`### ${workers.workers} worker processes`, workers))
  if (memory) parts.push(renderFacts('### Memory', memory))
  if (soak) parts.push(renderFacts('### Soak', soak))
  return parts.length > 0 ? parts.join('\n\n') : 'No results are stored yet.'
}

/** Formats a ratio with its spread and a sensible number of digits. */
export function showRatio({ ratio, spread: [lowest, highest] }: SavedRatio): string {
  return `${digits(ratio)} (${digits(lowest)} to ${digits(highest)})`
}

function renderCases(heading: string, { machine, generator, rounds, peer, cases }: SavedThroughput): string {
  const setting = `${describe(machine)}, ${rounds} rounds per case, ${generator}.`
  const head = ['case', 'against bare `node:http`', ...(peer === undefined ? [] : [`against ${peer}`])]
  const rows = cases.map(({ name, bare, peer: other }) => [
    name,
    showRatio(bare),
    ...(peer === undefined ? [] : [other ? showRatio(other) : '-']),
  ])
  const notes = cases.flatMap(({ name, unread }) =>
    unread ? [`*${name}* against the same without a reader of events: ${showRatio(unread)}.`] : [],
  )
  return [heading, setting, table([head, ...rows]), ...notes].join('\n\n')
}

function renderFacts(
  heading: string,
  { machine, facts }: { machine: Machine; facts: readonly Fact[] },
): string {
  return [heading, `${describe(machine)}.`, table([['measured', 'result'], ...facts])].join('\n\n')
}

function describe({ date, node, cpu, cores, pinned }: Machine): string {
  return `${date}, ${cpu}, ${cores} cores${pinned ? ' (one for the servers, one for the load)' : ''}, Node.js ${node}`
}

function digits(value: number): string {
  return value.toFixed(value >= 10 ? 0 : 2)
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`
  const [head = [], ...body] = rows
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join(
    '\n',
  )
}
