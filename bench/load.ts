import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { BenchCase } from './cases.ts'
import { outputOf, start } from './processes.ts'

const connections = 32
const wrkScript = fileURLToPath(new URL('./wrk.lua', import.meta.url))
const ownGenerator = fileURLToPath(new URL('./load-generator.mjs', import.meta.url))
// Maximum share of answers with an unexpected status. A rate limit admits a few requests when its window moves.
const toleratedShare = 0.02

/** A load on one server. */
export interface Load {
  readonly benchCase: BenchCase
  readonly port: number
  readonly key: string
  readonly planFile: string
  readonly core: string | undefined
}

interface WrkResult {
  requests: number
  seconds: number
  refused: number
  broken: number
}

let runs = 0

function writePlan({ benchCase, port, key, planFile }: Load): void {
  const { status, path, prefix, suffix, numbered, texts, resources = 0 } = benchCase
  const numbering = numbered ? 'numbered' : 'unnumbered'
  const lines = [port, connections, status, path, key, prefix, suffix, numbering, resources]
  writeFileSync(planFile, [...lines, ...texts, ''].join('\n'))
}

/** Returns answers per second, measured with the load generator of the project. */
export async function loadWithOwnGenerator(load: Load, durationMs: number): Promise<number> {
  writePlan(load)
  const command = [process.execPath, ownGenerator, load.planFile, String(durationMs)]
  const result = JSON.parse(await outputOf(start(command, { core: load.core })))
  return rate(load, result)
}

/** Returns answers per second, measured with wrk. wrk supports whole seconds only. */
export async function loadWithWrk(load: Load, durationMs: number): Promise<number> {
  writePlan(load)
  runs += 1
  const seconds = `${Math.max(1, Math.round(durationMs / 1000))}s`
  const address = `http://127.0.0.1:${load.port}`
  const options = ['-t1', `-c${connections}`, `-d${seconds}`, '-s', wrkScript, address, '--', load.planFile]
  const output = await outputOf(start(['wrk', ...options, String(runs)], { core: load.core }))
  const result: WrkResult = JSON.parse(output.slice(output.lastIndexOf('{"requests"')))
  const expectsRefusal = load.benchCase.status >= 400
  const unexpected = result.broken + (expectsRefusal ? result.requests - result.refused : result.refused)
  return rate(load, { ...result, unexpected })
}

function rate(load: Load, result: { requests: number; seconds: number; unexpected: number }): number {
  if (result.requests === 0 || result.unexpected > result.requests * toleratedShare) {
    throw new Error(
      `Could not measure "${load.benchCase.name}": ${result.unexpected} of ${result.requests} answers did not have ` +
        `status ${load.benchCase.status}. Send a single request to see the answer.`,
    )
  }
  return result.requests / result.seconds
}
