import type { Fact } from './results.ts'
import type { CpuShares } from './soak-run.ts'
import type { SoakRun } from './soak-verdict.ts'
import type { SoakWindow } from './soak-window.ts'
import { slopeOf } from './statistics.ts'

const columns = [
  'window',
  'sent/s',
  'right/s',
  'token late p50',
  'p99',
  'answer p50',
  'p99',
  'send p99',
  'CPU',
  'memory',
]

/** Header of the window table. Times are in milliseconds after the due time. CPU is that of the simulator. */
export const windowHead = columns.map((name) => pad(name)).join('')

/** Row of the window table. */
export function windowRow(number: number, window: SoakWindow, cpu: number, memoryMb: number): string {
  const { sent, done, seconds, tokenP50Ms, tokenP99Ms, answerP50Ms, answerP99Ms, sendP99Ms } = window
  const times = [tokenP50Ms, tokenP99Ms, answerP50Ms, answerP99Ms, sendP99Ms].map((value) => value.toFixed(1))
  const rates = [sent, done].map((count) => (count / seconds).toFixed(0))
  return [String(number), ...rates, ...times, `${(cpu * 100).toFixed(0)} %`, `${memoryMb.toFixed(0)} MB`]
    .map((cell, column) => pad(cell, columns[column]))
    .join('')
}

/** Results of a soak test for results.json. */
export function describeSoak(soak: {
  readonly minutes: number
  readonly knee: number | undefined
  readonly run: SoakRun
}): readonly Fact[] {
  const { minutes, knee, run } = soak
  const { windows, memory, highestMb, cpus, rate } = run
  const worst = (value: (window: SoakWindow) => number): string => Math.max(...windows.map(value)).toFixed(1)
  const mean = (value: (cpu: CpuShares) => number): string =>
    `${((100 * cpus.reduce((sum, cpu) => sum + value(cpu), 0)) / cpus.length).toFixed(0)} %`
  const [first, last] = [windows[0], windows.at(-1)]
  const share = (last?.done ?? NaN) / (first?.done ?? NaN)
  return [
    ['load', `${minutes} minutes, ${rate} requests a second${knee === undefined ? '' : `, knee ${knee}`}`],
    ['last window against first', share.toFixed(3)],
    ['tokens late, worst p99', `${worst(({ tokenP99Ms }) => tokenP99Ms)} ms`],
    ['answers without a wait, worst p99', `${worst(({ answerP99Ms }) => answerP99Ms)} ms`],
    [
      'memory after collections',
      `${(slopeOf(memory) * 60).toFixed(2)} MB a minute, ${memory.at(-1)?.[1].toFixed(0)} MB at last`,
    ],
    ['memory at most', `${highestMb.toFixed(0)} MB`],
    [
      'CPU of simulator and generator',
      `${mean(({ simulator }) => simulator)} and ${mean(({ generator }) => generator)} of a core`,
    ],
  ]
}

function pad(text: string, column: string = text): string {
  return text.padStart(Math.max(column.length, 8) + 2)
}
