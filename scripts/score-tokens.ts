// Compares counted and billed prompt tokens. See docs/tokens.md, "Accuracy".
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  nameOfGroup,
  readBilledRequests,
  scoreGroups,
  scoreOf,
  scoreRequest,
  type BilledRequest,
  type CountedRequest,
  type Score,
  type SkippedRequest,
} from './token-scores.ts'

const usage = `Usage: npx tsx scripts/score-tokens.ts [options] <file.jsonl>...

Compares counted and billed prompt tokens, by API, kind of request and models.
Each line of a file: { op, model, billed_prompt_tokens, request, from }

  --projects a,b       only requests from these: "from" starts with one of them
  --not-projects a,b   all requests except from these
  --misses             list the requests that are not exact, with counted minus billed tokens
  --kind text          only groups with this text in the name`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    projects: { type: 'string' },
    'not-projects': { type: 'string' },
    misses: { type: 'boolean' },
    kind: { type: 'string' },
    help: { type: 'boolean' },
  },
})

if (positionals.length === 0 || values.help) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else {
  report(positionals.flatMap((path) => readBilledRequests(readFileSync(path, 'utf8'))).filter(isSelected))
}

function isSelected({ from = '' }: BilledRequest): boolean {
  const startsWithOne = (names: string): boolean => names.split(',').some((name) => from.startsWith(name))
  if (values.projects !== undefined && !startsWithOne(values.projects)) return false
  return values['not-projects'] === undefined || !startsWithOne(values['not-projects'])
}

function report(rows: readonly BilledRequest[]): void {
  const scored = rows.map(scoreRequest)
  const counted = scored
    .filter((one) => 'group' in one)
    .filter(({ group }) => nameOfGroup(group).includes(values.kind ?? ''))
  if (values.misses) for (const one of counted) if (one.difference !== 0) console.log(missLine(one))
  for (const { group, score } of scoreGroups(counted)) printScore(nameOfGroup(group), score)
  printScore('all', scoreOf(counted))
  printSkipped(scored.filter((one) => 'reason' in one))
}

function missLine({ row, group, difference }: CountedRequest): string {
  const { model, billed_prompt_tokens: billed, from, request } = row
  const sign = difference > 0 ? '+' : ''
  const excerpt = JSON.stringify(request).slice(0, 100)
  return [`${sign}${difference}`, billed, model, nameOfGroup(group), from ?? '', excerpt].join('\t')
}

function printScore(name: string, { exact, total, medianErrorPercent }: Score): void {
  const share = total === 0 ? 100 : (100 * exact) / total
  const error = exact === total ? '' : `, median error of the others ${medianErrorPercent} %`
  console.log(`${name.padEnd(54)} ${exact} of ${total} exact (${share.toFixed(1)} %)${error}`)
}

function printSkipped(skipped: readonly SkippedRequest[]): void {
  const counts = new Map<string, number>()
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  for (const [reason, count] of counts) console.log(`skipped: ${count} (${reason})`)
}
