import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startAimock } from './aimock.ts'
import { capture } from './capture.ts'
import { deployments, type BenchCase } from './cases.ts'
import { createResources } from './many-resources.ts'
import { loadWithOwnGenerator, loadWithWrk } from './load.ts'
import { findCores, isInstalled, stop } from './processes.ts'
import { writeRecordings } from './recordings.ts'
import { key, startReference, startSimulator, type Server } from './servers.ts'
import { median, ratioOf, type Ratio } from './statistics.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/** Options of a benchmark session. */
export interface SessionOptions {
  /** Path of the simulator's main.js. */
  readonly program: string
  /** Use the load generator of the project even if wrk is installed. */
  readonly ownGenerator: boolean
  /** Number of simulator processes. With more than one, processes are not pinned to cores. */
  readonly workers: number
  /** Second reference in addition to the bare server. */
  readonly peer: 'aimock' | 'one process' | undefined
  readonly roundMs: number
  readonly warmUpMs: number
}

/** Result of all rounds of a case. */
export interface CaseResult {
  readonly name: string
  /** Ratio to the bare server. */
  readonly bare: Ratio
  /** Ratio to the peer; absent if the peer does not support the case. */
  readonly peer?: Ratio
  /** Ratio to the same simulator without a reader of events; absent for cases without a reader. */
  readonly unread?: Ratio
  /** Median answers per second. Depends on the machine and its current load. */
  readonly perSecond: { readonly simulator: number; readonly bare: number; readonly peer?: number }
}

/** Measures cases. Each case has separate servers. */
export class BenchSession {
  readonly cores: ReturnType<typeof findCores>
  readonly generator: 'wrk' | 'load-generator.mjs'
  readonly #options: SessionOptions
  readonly #folder = createTemporaryFolder('bench')

  constructor(options: SessionOptions) {
    this.#options = options
    this.cores = options.workers > 1 ? undefined : findCores()
    this.generator = isInstalled('wrk') && !options.ownGenerator ? 'wrk' : 'load-generator.mjs'
  }

  /** Alternates between the servers, so that each ratio compares adjacent seconds. */
  async measure(benchCase: BenchCase, rounds: number): Promise<CaseResult> {
    const { roundMs, warmUpMs } = this.#options
    const servers = await this.#start(benchCase)
    const { simulator: measured, bare: reference, peer: other } = servers
    const all = [measured, reference, ...(other ? [other] : [])]
    const load = { benchCase, key, planFile: join(this.#folder, 'plan.txt'), core: this.cores?.load }
    const measure = this.generator === 'wrk' ? loadWithWrk : loadWithOwnGenerator
    const seen: number[][] = all.map(() => [])
    const unreadSeen: number[] = []
    const measureRead = async (): Promise<void> => {
      const stopReading = await readEvents(measured.port)
      // The first event has the complete state, and is not a cost of an open page.
      await sleep(1_000)
      seen[0]?.push(await measure({ ...load, port: measured.port }, roundMs))
      stopReading()
    }
    const measureUnread = async (): Promise<void> => {
      await sleep(1_000)
      unreadSeen.push(await measure({ ...load, port: measured.port }, roundMs))
    }
    for (const { port } of all) await loadWithOwnGenerator({ ...load, port }, warmUpMs)
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { port }] of all.entries()) {
        if (index > 0 || !benchCase.readsEvents) seen[index]?.push(await measure({ ...load, port }, roundMs))
        // Both in one process, in alternating order: two processes of the same program differ by more than a reader costs.
        else if (round % 2 === 0) await measureRead().then(measureUnread)
        else await measureUnread().then(measureRead)
      }
    }
    for (const { child } of all) await stop(child)
    const [simulator = [], bare = []] = seen
    const peer = other && seen[2]
    return {
      name: benchCase.name,
      bare: ratioOf(simulator, bare),
      ...(peer ? { peer: ratioOf(simulator, peer) } : {}),
      ...(unreadSeen.length > 0 ? { unread: ratioOf(simulator, unreadSeen) } : {}),
      perSecond: {
        simulator: median(simulator),
        bare: median(bare),
        ...(peer ? { peer: median(peer) } : {}),
      },
    }
  }

  async #start(benchCase: BenchCase): Promise<{
    simulator: Server
    bare: Server
    peer: Server | undefined
  }> {
    const { workers } = this.#options
    const env = benchCase.replay ? await this.#record(benchCase) : {}
    const withWorkers = { ...env, ...(workers > 1 ? { WORKERS: String(workers) } : {}) }
    const simulator = await this.#simulator(withWorkers)
    if (benchCase.resources !== undefined) await createResources(simulator.port, benchCase.resources)
    const answerFile = join(this.#folder, 'answer.json')
    writeFileSync(answerFile, JSON.stringify(await capture(simulator.port, key, benchCase)))
    const bare = await startReference(answerFile, this.cores?.servers)
    return { simulator, bare, peer: await this.#peer(benchCase, env) }
  }

  /** Records one generated answer for all texts of the case. */
  async #record(benchCase: BenchCase): Promise<NodeJS.ProcessEnv> {
    const folder = join(this.#folder, 'recordings')
    rmSync(folder, { recursive: true, force: true })
    const generating = await this.#simulator({})
    writeRecordings(folder, benchCase, await capture(generating.port, key, benchCase))
    await stop(generating.child)
    return { SIMULATOR_MODE: 'replay', RECORDING_DIR: folder }
  }

  async #peer({ aimockFixtures }: BenchCase, env: NodeJS.ProcessEnv): Promise<Server | undefined> {
    const { peer } = this.#options
    if (peer === 'one process') return this.#simulator(env)
    if (peer === undefined || !aimockFixtures) return undefined
    return startAimock(aimockFixtures(), { folder: this.#folder, core: this.cores?.servers })
  }

  #simulator(env: NodeJS.ProcessEnv): Promise<Server> {
    const folder = join(this.#folder, 'simulator')
    mkdirSync(folder, { recursive: true })
    return startSimulator({
      program: this.#options.program,
      folder,
      deployments,
      env,
      core: this.cores?.servers,
    })
  }
}

/** Reads the live events of a simulator as the control room does. Returns a function that ends it. */
async function readEvents(port: number): Promise<() => void> {
  const abort = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/++/events`, {
    headers: { 'api-key': key },
    signal: abort.signal,
  })
  if (!response.body || response.status !== 200)
    throw new Error(`Could not read the live events (got ${response.status}). Build this version first.`)
  const { body } = response
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of body) {
      const events = (text + Buffer.from(chunk).toString()).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? 'null')
    }
  }
  void read().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error
  })
  return () => abort.abort()
}
