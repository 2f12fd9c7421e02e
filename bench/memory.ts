// Measures the memory of the simulator: at rest, for open streams, for recordings. Linux only. See README.md.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { capture } from './capture.ts'
import { chatPath, deployments as benchDeployments, replayCase } from './cases.ts'
import { collectedMb, descriptorLimit, hasProcessFacts, residentMb } from './process-facts.ts'
import { stop } from './processes.ts'
import { writeRecordings } from './recordings.ts'
import { describeMachine, saveResults, type Fact } from './results.ts'
import { runToEnd } from './run-to-end.ts'
import { builtSimulator, key, startSimulator, type Server } from './servers.ts'
import { openStream } from './stream-client.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    simulator: { type: 'string', default: builtSimulator },
  },
})
const per = 10_000
const wantedStreams = flags.quick ? 1_000 : per
const recordings = flags.quick ? { few: 100, many: 5_000 } : { few: 1_000, many: 51_000 }
const openedPerSecond = 500
/** Maximum file descriptors of a process in addition to its streams. */
const otherDescriptors = 200
const settleMs = 3_000
const limitMs = 240_000

/** Slow streams, so that the result contains open streams and no garbage of their tokens. */
const paced = { model: 'gpt-4o', latency: { firstToken: 1_000, perToken: 1_000 } }
const deployments = { ...benchDeployments, paced }
const folder = createTemporaryFolder('bench-memory')

const startHere = (env: NodeJS.ProcessEnv): Promise<Server> =>
  startSimulator({ program: flags.simulator, folder, deployments, env, core: undefined, canCollect: true })

/** Memory after a pause without new work: as it is, and after a garbage collection. */
async function settled({ pid }: Server): Promise<{ readonly mb: number; readonly heldMb: number }> {
  await sleep(settleMs)
  return { mb: residentMb(pid), heldMb: await collectedMb(pid) }
}

const mb = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} MB`

async function measureStreams(): Promise<readonly Fact[]> {
  const count = Math.min(wantedStreams, descriptorLimit() - otherDescriptors)
  const openingSeconds = count / openedPerSecond
  const tokens = Math.ceil(openingSeconds * 1.5 + settleMs / 1_000 + 10)
  const server = await startHere({ LATENCY_TIME_SCALE: '1', SIMULATOR_SEED: 'memory' })
  const rest = await settled(server)
  const body = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: tokens, stream: true }
  const startMs = performance.now()
  const streams: ReturnType<typeof openStream>[] = []
  for (let index = 0; index < count; index += 1) {
    const waitMs = startMs + (1_000 * index) / openedPerSecond - performance.now()
    if (waitMs > 1) await sleep(waitMs)
    streams.push(openStream({ port: server.port, path: chatPath('paced'), key, body }))
  }
  const open = await settled(server)
  const readAtMs = performance.now()
  const ended = await Promise.all(streams)
  const refused = ended.filter(({ status }) => status !== 200).length
  const early = ended.filter(({ sentMs, eventsMs }) => sentMs + (eventsMs.at(-1) ?? 0) < readAtMs).length
  if (refused + early > 0) {
    throw new Error(
      `Could not measure open streams: ${refused} of ${count} were rejected, ${early} had ended early. Is the machine busy?`,
    )
  }
  const after = await settled(server)
  await stop(server.child)
  const suffix = count === per ? '' : `, from ${count.toLocaleString('en-US')}`
  return [
    ['at rest, generate mode', mb(rest.mb)],
    [`for each 10,000 open streams${suffix}`, mb(((open.heldMb - rest.heldMb) * per) / count)],
    [
      `${count.toLocaleString('en-US')} open streams in all, and after they ended`,
      `${mb(open.mb)}, ${mb(after.mb)}`,
    ],
  ]
}

/** Memory with `count` recordings, and seconds from the start to the first answer. */
async function withRecordings(count: number): Promise<{ heldMb: number; seconds: number }> {
  const recordingFolder = join(folder, 'recordings')
  rmSync(recordingFolder, { recursive: true, force: true })
  const benchCase = replayCase(count)
  const generating = await startHere({})
  writeRecordings(recordingFolder, benchCase, await capture(generating.port, key, benchCase))
  await stop(generating.child)
  const startMs = performance.now()
  const server = await startHere({ SIMULATOR_MODE: 'replay', RECORDING_DIR: recordingFolder })
  const seconds = (performance.now() - startMs) / 1_000
  const { heldMb } = await settled(server)
  await stop(server.child)
  return { heldMb, seconds }
}

async function measureRecordings(): Promise<readonly Fact[]> {
  const few = await withRecordings(recordings.few)
  const many = await withRecordings(recordings.many)
  const added = recordings.many - recordings.few
  return [
    ['for each 10,000 recordings', mb(((many.heldMb - few.heldMb) * per) / added)],
    [`start with ${recordings.many.toLocaleString('en-US')} recordings`, `${many.seconds.toFixed(1)} s`],
  ]
}

await runToEnd(limitMs, async () => {
  if (!hasProcessFacts) {
    throw new Error(`Could not measure memory: /proc is required (got ${process.platform}). Use Linux.`)
  }
  const facts = [...(await measureStreams()), ...(await measureRecordings())]
  for (const [name, value] of facts) console.log(`${name.padEnd(56)}${value}`)
  if (descriptorLimit() - otherDescriptors < wantedStreams) {
    console.log(
      `Fewer streams were opened because of the file descriptor limit (got ${descriptorLimit()}). Run ulimit -n 11000.`,
    )
  }
  if (flags.save && !flags.quick) saveResults({ memory: { machine: describeMachine(false), facts } })
})
