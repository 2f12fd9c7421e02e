import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { renderResults } from './results-table.ts'
import type { Ratio } from './statistics.ts'

/** Machine and date of a measurement. */
export interface Machine {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Whether servers and load generator had separate cores. */
  readonly pinned: boolean
}

/** A median, with the lowest and highest value of the rounds. */
export interface SavedRatio {
  readonly ratio: number
  readonly spread: readonly [lowest: number, highest: number]
}

/** Results of all cases. */
export interface SavedThroughput {
  readonly machine: Machine
  readonly generator: string
  readonly rounds: number
  /** Name of the peer: "aimock 1.43.0", "one process". */
  readonly peer?: string
  readonly cases: readonly SavedCase[]
}

/** Results of a case. */
export interface SavedCase {
  readonly name: string
  readonly bare: SavedRatio
  readonly peer?: SavedRatio
  /** Against the same simulator without a reader of events. */
  readonly unread?: SavedRatio
}

/** A name and a value with its unit. */
export type Fact = readonly [name: string, value: string]

/** Content of bench/results.json. A part is absent until its program has run with --save. */
export interface Results {
  readonly throughput?: SavedThroughput
  readonly workers?: SavedThroughput & { readonly workers: number }
  readonly memory?: { readonly machine: Machine; readonly facts: readonly Fact[] }
  readonly soak?: { readonly machine: Machine; readonly facts: readonly Fact[] }
}

const resultsFile = new URL('./results.json', import.meta.url)
const readme = new URL('./README.md', import.meta.url)

/** Reads the stored results. */
export function readResults(): Results {
  return JSON.parse(readFileSync(resultsFile, 'utf8')) as Results
}

/** Replaces the given parts of the stored results and updates the tables of the README. */
export function saveResults(parts: Results): void {
  const results = { ...readResults(), ...parts }
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(readme, withResults(readFileSync(readme, 'utf8'), results))
}

/** Replaces the tables of results in a document. */
export function withResults(document: string, results: Results): string {
  const [before, after] = [document.split(beginMarker)[0], document.split(endMarker)[1]]
  if (before === undefined || after === undefined) {
    throw new Error(`Could not find the result markers. Restore ${beginMarker} and ${endMarker}.`)
  }
  return `${before}${beginMarker}\n\n${renderResults(results)}\n\n${endMarker}${after}`
}

const beginMarker = '<!-- results of the last runs, written by --save -->'
const endMarker = '<!-- end of results -->'

/** Describes this machine. */
export function describeMachine(pinned: boolean): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    pinned,
  }
}

/** Rounds a ratio for storage. Runs differ by more than three digits. */
export function savedRatio({ median, lowest, highest }: Ratio): SavedRatio {
  const rounded = (value: number): number => Number(value.toPrecision(3))
  return { ratio: rounded(median), spread: [rounded(lowest), rounded(highest)] }
}
