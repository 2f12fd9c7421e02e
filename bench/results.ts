import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { renderResults } from './results-table.ts'
import type { Ratio } from './statistics.ts'

/** Where and when something was measured. */
export interface Machine {
  readonly date: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  /** Whether servers and load generator had a core each. */
  readonly pinned: boolean
}

/** A median, with the lowest and the highest of the rounds. */
export interface SavedRatio {
  readonly ratio: number
  readonly spread: readonly [lowest: number, highest: number]
}

/** What a run of all cases gave. */
export interface SavedThroughput {
  readonly machine: Machine
  readonly generator: string
  readonly rounds: number
  /** What `peer` means: "aimock 1.43.0", "one process". */
  readonly peer?: string
  readonly cases: readonly { readonly name: string; readonly bare: SavedRatio; readonly peer?: SavedRatio }[]
}

/** A name and what was measured, with its unit. */
export type Fact = readonly [name: string, value: string]

/** What bench/results.json holds; a part is absent until its program was run with --save. */
export interface Results {
  readonly throughput?: SavedThroughput
  readonly workers?: SavedThroughput & { readonly workers: number }
  readonly memory?: { readonly machine: Machine; readonly facts: readonly Fact[] }
  readonly soak?: { readonly machine: Machine; readonly facts: readonly Fact[] }
}

const resultsFile = new URL('./results.json', import.meta.url)
const readme = new URL('./README.md', import.meta.url)

/** The results that were kept last. */
export function readResults(): Results {
  return JSON.parse(readFileSync(resultsFile, 'utf8')) as Results
}

/** Replaces the given parts of the kept results, and the tables of the README with them. */
export function saveResults(parts: Results): void {
  const results = { ...readResults(), ...parts }
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(readme, withResults(readFileSync(readme, 'utf8'), results))
}

/** A document with what stands between its marks replaced by the tables of the results. */
export function withResults(document: string, results: Results): string {
  const [before, after] = [document.split(beginMark)[0], document.split(endMark)[1]]
  if (before === undefined || after === undefined) {
    throw new Error(`Could not find the marks of the results: put back ${beginMark} and ${endMark}.`)
  }
  return `${before}${beginMark}\n\n${renderResults(results)}\n\n${endMark}${after}`
}

const beginMark = '<!-- results of the last runs, written by --save -->'
const endMark = '<!-- end of results -->'

/** This machine, now. */
export function describeMachine(pinned: boolean): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    pinned,
  }
}

/** A ratio as it is kept: three digits are more than a run can repeat. */
export function savedRatio({ median, lowest, highest }: Ratio): SavedRatio {
  const rounded = (value: number): number => Number(value.toPrecision(3))
  return { ratio: rounded(median), spread: [rounded(lowest), rounded(highest)] }
}
