import { formatNumber, printable } from '../lib/format-text.ts'
import type { LoadPlan } from '../load/load-plan.ts'
import type { Durations, LoadReport, TokenAmounts } from '../load/load-report.ts'
import type { LoadProgress } from '../load/run-load.ts'
import { shortText } from '../lib/error-text.ts'

/** Describes the start of a run in one line. */
export function renderLoadStart(plan: LoadPlan): string {
  const { requestsPerSecond, connections, durationSeconds, warmupSeconds } = plan
  const load =
    requestsPerSecond === undefined
      ? `${connections} connections`
      : `${requestsPerSecond} requests per second over at most ${connections} connections`
  const warmup = warmupSeconds > 0 ? ` after ${warmupSeconds} s of warm-up` : ''
  return `${load} to ${plan.url.origin}${plan.url.pathname.replace(/\/+$/, '')} for ${durationSeconds} s${warmup}. Press Ctrl-C to stop and show the results.`
}

/** Describes the progress of a run: parts of one terminal line, the most important ones first. */
export function renderLoadProgress({
  phase,
  elapsedSeconds,
  totalSeconds,
  measures,
}: LoadProgress): string[] {
  const { requests, wholeMs, firstTokenMs } = measures
  const times = [
    ...(firstTokenMs ? [`first token p50 ${ms(firstTokenMs.p50)}`] : []),
    ...(wholeMs ? [`whole p50 ${ms(wholeMs.p50)}`] : []),
  ]
  return [
    `${phase} ${Math.floor(elapsedSeconds)}/${totalSeconds} s`,
    `${number(requests.sent)} sent`,
    `${number(requests.ok)} ok`,
    `${number(requests.limited)} 429`,
    `${number(requests.failed)} failed`,
    ...times,
  ]
}

/** Renders the report as text: counts, times, tokens and warnings. */
export function renderLoadReport(report: LoadReport): string[] {
  return [
    ...renderCounts(report),
    '',
    ...renderTimes(report),
    '',
    ...renderTokens(report),
    ...warnings(report),
  ]
}

function renderCounts({
  requests,
  failures,
  retryAfterMs,
  sendingSeconds,
  sentPerSecond,
  ...rest
}: LoadReport): string[] {
  const { sent, ok, limited, failed, unfinished } = requests
  const requestedRate = rest.load.requestsPerSecond
  const wait = retryAfterMs ? `retry-after ${range(retryAfterMs)}` : ''
  const rows: [string, number, string][] = [
    [
      'requests',
      sent,
      `${formatNumber(sentPerSecond)}/s for ${sendingSeconds} s${requestedRate === null ? '' : ` (requested: ${requestedRate}/s)`}`,
    ],
    ['ok', ok, share(ok, sent)],
    ['429', limited, [share(limited, sent), wait].filter((text) => text !== '').join(', ')],
    ['failed', failed, share(failed, sent)],
    ...failures.map(({ reason, count, example }): [string, number, string] => [
      `  ${inOneLine(reason)}`,
      count,
      shortText(inOneLine(example), MAX_EXAMPLE_LENGTH),
    ]),
    ...(unfinished > 0
      ? [['unfinished', unfinished, 'still pending when the run ended'] as [string, number, string]]
      : []),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, count, note]) =>
    `${name.padEnd(width)}  ${number(count).padStart(9)}  ${note}`.trimEnd(),
  )
}

function renderTimes({ wholeMs, firstTokenMs, gapMs, timePerOutputTokenMs, target }: LoadReport): string[] {
  const streamRows: readonly string[][] = [
    timeRow('first token', firstTokenMs),
    timeRow('gap between events', gapMs),
    timeRow('time per output token', timePerOutputTokenMs),
  ]
  const rows = [
    ['time (ms)', 'p50', 'p90', 'p95', 'p99', 'max'],
    timeRow('whole answer', wholeMs),
    ...(target.stream ? streamRows : []),
  ]
  const nameWidth = Math.max(...rows.map(([name = '']) => name.length))
  return rows.map(([name = '', ...cells]) =>
    [name.padEnd(nameWidth), ...cells.map((cell) => cell.padStart(9))].join('  '),
  )
}

function timeRow(name: string, durations: Durations | null): string[] {
  if (!durations) return [name, '-', '-', '-', '-', '-']
  const { p50, p90, p95, p99, max } = durations
  return [name, ...[p50, p90, p95, p99, max].map(decimal)]
}

function renderTokens({ tokens, tokensPerSecond, sendingSeconds, endedWhileSending }: LoadReport): string[] {
  const { ok, okPerSecond, ...ended } = endedWhileSending
  return [
    `tokens: ${inAndOut(tokens, tokensPerSecond)} over ${sendingSeconds} s of sending`,
    `ended within that time: ${number(ok)} ok (${formatNumber(okPerSecond)}/s), ${inAndOut(ended.tokens, ended.tokensPerSecond)}`,
  ]
}

function inAndOut(tokens: TokenAmounts, perSecond: TokenAmounts): string {
  return `${number(tokens.in)} in (${number(perSecond.in)}/s), ${number(tokens.out)} out (${number(perSecond.out)}/s)`
}

/** Problems that affect the results. */
function warnings({
  ended,
  refusal,
  target,
  simulator,
  generator,
  requests,
  neverSent,
  load,
}: LoadReport): string[] {
  const lines: string[] = []
  if (ended === 'signal') lines.push('Ended early: stopped by a signal.')
  if (ended === 'unreachable') lines.push('Ended early: could not connect any more.')
  if (refusal) lines.push(`Ended early: all ${number(refusal.count)} answers were ${refusal.reason}.`)
  if (simulator?.deploymentConfigured === false) {
    lines.push(`The simulator has no deployment ${target.deployment}: it answered without limits.`)
  }
  if (simulator) lines.push(verdict(simulator))
  if (generator.wasBottleneck) {
    lines.push(
      `This command was the bottleneck: it was busy ${Math.round(generator.utilization * 100)} % of the time, and its timers were up to ${ms(generator.loopLagMs.p99)} late (p99). The real times are lower. Send less, or use several machines.`,
    )
  }
  if (requests.lateStarts + neverSent > 0) {
    lines.push(
      `All ${load.connections} connections were busy: ${number(requests.lateStarts)} requests were sent late (their times start when they were due), ${number(neverSent)} were never sent. Increase --connections, or the endpoint cannot handle this rate.`,
    )
  }
  return lines.length > 0 ? ['', ...lines] : []
}

function verdict({ parts, lateParts, wasBottleneck }: NonNullable<LoadReport['simulator']>): string {
  const late = `${number(lateParts)} of ${number(parts)} tokens and answers were more than 25 ms late`
  if (!wasBottleneck) return `The simulator kept up${parts === 0 ? '' : `: ${late}`}.`
  const why = parts === 0 ? 'its event loop lagged' : `${late}, or its event loop lagged`
  return `The simulator was the bottleneck: ${why}. The times are not those of the simulated service. Add workers, give it a dedicated core, or send less.`
}

function share(count: number, all: number): string {
  return all === 0 ? '' : `${decimal((count / all) * 100)} %`
}

function range({ leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number }): string {
  return leastMs === mostMs ? ms(leastMs) : `${ms(leastMs)} to ${ms(mostMs)}`
}

function ms(value: number): string {
  return `${number(Math.round(value))} ms`
}

function decimal(value: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
}

function number(value: number): string {
  return formatNumber(Math.round(value))
}

const MAX_EXAMPLE_LENGTH = 120

/** Returns a text from the endpoint in one line that is safe for a terminal. */
export function inOneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' '))
}
