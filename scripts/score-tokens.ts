// Compares counted and billed prompt tokens. See docs/tokens.md, "Accuracy".
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format } from 'oxfmt'
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
import { countReasons, measureScores, withScores } from './token-score-table.ts'

const usage = `Usage: npx tsx scripts/score-tokens.ts [options] <file.jsonl>...

Compares counted and billed prompt tokens, by API, kind of request and models.
Each line of a file: { op, model, billed_prompt_tokens, request, from }

  --projects a,b       only requests from these: "from" starts with one of them
  --not-projects a,b   all requests except from these
  --misses             list the requests that are not exact, with counted minus billed tokens
  --kind text          only groups with this text in the name
  --write              write the scores into tests/billed-requests/scores.json and docs/tokens.md`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    projects: { type: 'string' },
    'not-projects': { type: 'string' },
    misses: { type: 'boolean' },
    kind: { type: 'string' },
    write: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

if (positionals.length === 0 || values.help) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else {
  const rows = positionals.flatMap(readRows).filter(isSelected)
  report(rows)
  if (values.write) await writeScores(rows)
}

function readRows(path: string | URL): BilledRequest[] {
  return readBilledRequests(readFileSync(path, 'utf8'))
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
  for (const [reason, count] of Object.entries(countReasons(skipped))) {
    console.log(`skipped: ${count} (${reason})`)
  }
}

async function writeScores(rows: readonly BilledRequest[]): Promise<void> {
  const folder = new URL('../tests/billed-requests/', import.meta.url)
  const sample = readRows(new URL('requests.jsonl', folder))
  const scores = measureScores(rows, sample, new Date().toISOString().slice(0, 10))
  await writeFormatted(new URL('scores.json', folder), JSON.stringify(scores))
  const page = new URL('../docs/tokens.md', import.meta.url)
  await writeFormatted(page, withScores(readFileSync(page, 'utf8'), scores))
}

async function writeFormatted(file: URL, text: string): Promise<void> {
  const filepath = fileURLToPath(file)
  writeFileSync(file, (await format(filepath, text, { printWidth: 110 })).code)
}
