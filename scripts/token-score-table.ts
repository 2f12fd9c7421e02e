import type { CountedRequest, Group, Score, SkippedRequest } from './token-scores.ts'
import { nameOfGroup, scoreGroups, scoreOf, scoreRequest, type BilledRequest } from './token-scores.ts'

/** Projects from which the rules were derived. The rules are checked with all other projects. */
const fittedProjects = new Set(['crewAIInc/crewAI', 'activeagents/activeagent', 'posit-dev/chatlas'])

/** The measured scores of docs/tokens.md. The requests are too large for the repository. */
export interface MeasuredScores {
  /** Date of the measurement, `2026-11-30`. */
  readonly date: string
  readonly fittedProjects: readonly string[]
  readonly checkedProjects: readonly string[]
  readonly groups: readonly GroupScores[]
  readonly all: { readonly fit: Score; readonly check: Score }
  /** Number of requests that cannot be compared, by reason. */
  readonly skipped: Readonly<Record<string, number>>
  /** Exact counts of the requests in tests/billed-requests by name of the group. A test requires at least these. */
  readonly sample: Readonly<Record<string, number>>
}

/** The scores of a group. */
export interface GroupScores {
  readonly group: Group
  /** Requests of the projects from which the rules were derived. */
  readonly fit: Score
  /** Requests of all other projects. */
  readonly check: Score
}

/** Scores all requests, and those of the sample. */
export function measureScores(
  rows: readonly BilledRequest[],
  sample: readonly BilledRequest[],
  date: string,
): MeasuredScores {
  const scored = rows.map(scoreRequest)
  const counted = scored.filter((one) => 'group' in one)
  const projects = [...new Set(rows.map(projectOf))].sort()
  const isFitted = (row: BilledRequest): boolean => fittedProjects.has(projectOf(row))
  const fitted = counted.filter(({ row }) => isFitted(row))
  const checked = counted.filter(({ row }) => !isFitted(row))
  return {
    date,
    fittedProjects: projects.filter((project) => fittedProjects.has(project)),
    checkedProjects: projects.filter((project) => !fittedProjects.has(project)),
    groups: scoreGroups(counted).map(({ group }) => {
      const isMember = (one: CountedRequest): boolean => nameOfGroup(one.group) === nameOfGroup(group)
      return { group, fit: scoreOf(fitted.filter(isMember)), check: scoreOf(checked.filter(isMember)) }
    }),
    all: { fit: scoreOf(fitted), check: scoreOf(checked) },
    skipped: countReasons(scored.filter((one) => 'reason' in one)),
    sample: exactCounts(sample),
  }
}

/** Returns the number of exact counts by name of the group. */
export function exactCounts(rows: readonly BilledRequest[]): Record<string, number> {
  const counted = rows.map(scoreRequest).filter((one) => 'group' in one)
  return Object.fromEntries(scoreGroups(counted).map(({ group, score }) => [nameOfGroup(group), score.exact]))
}

export function countReasons(skipped: readonly SkippedRequest[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { reason } of skipped) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

function projectOf({ from = '' }: BilledRequest): string {
  return from.split(' ')[0] ?? ''
}

const section =
  /(<!-- token scores: made by scripts\/score-tokens.ts -->\n)[^]*?(\n<!-- end of token scores -->)/

/** Returns docs/tokens.md with the scores between its markers. The table is not aligned. */
export function withScores(page: string, scores: MeasuredScores): string {
  if (!section.test(page))
    throw new Error('Could not find the markers of the token scores in docs/tokens.md.')
  return page.replace(section, (_, start: string, end: string) => `${start}\n${renderScores(scores)}\n${end}`)
}

function renderScores({
  date,
  fittedProjects,
  checkedProjects,
  groups,
  all,
  skipped,
}: MeasuredScores): string {
  const rows = groups.map(({ group: { api, kind, models }, fit, check }) => [
    api,
    kind,
    models,
    ...cellsOf(fit, check),
  ])
  const table = [
    ['API', 'Request', 'Models', 'Exact, rules derived', 'Median error', 'Exact, checked', 'Median error'],
    Array.from({ length: 7 }, () => '---'),
    ...rows,
    ['all', '', '', ...cellsOf(all.fit, all.check)],
  ]
  const reasons = Object.entries(skipped).map(([reason, count]) => `${count} (${reason})`)
  return `Measured on ${date}. Rules derived from: ${fittedProjects.join(', ')}. Checked with: ${checkedProjects.join(', ')}.

${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

Not compared: ${reasons.join(', ')}.`
}

function cellsOf(...scores: readonly Score[]): string[] {
  return scores.flatMap(({ total, exact, medianErrorPercent }) =>
    total === 0 ? ['', ''] : [`${exact} of ${total}`, exact === total ? '' : `${medianErrorPercent} %`],
  )
}
