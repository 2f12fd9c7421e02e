// Counts the files of src/ with code that runs for one warm request, with V8 coverage. `--list` prints files and
// functions.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { run as runProgram } from '../src/cli/run.ts'
import { chatEvents, eventStream, startFakeUpstream } from '../tests/support/fake-upstream.ts'
import { RawConnection, type RawRequest } from '../tests/support/raw-http.ts'

const { values: flags } = parseArgs({
  options: { list: { type: 'boolean', default: false }, case: { type: 'string', default: '' } },
})

const apiKey = 'warm-files-key'

/** Requests before the first measured one. They fill caches and open connections. */
const warmRequests = 20

/**
 * Measured requests. Only code that runs for each of them is counted, because timers can fire during some of them.
 */
const measurements = 4

/**
 * Time after an answer in which code still counts as part of the request, in milliseconds. A recording is written
 * after the answer.
 */
const settleMs = 400

/** A request and the settings of its simulator. */
interface Case {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly body: object
  readonly status: number
  readonly deployment?: keyof typeof deployments
}

const chat = { messages: [{ role: 'user', content: 'How warm is it?' }], max_tokens: 5 }
const streamed = { ...chat, stream: true }

const folder = await mkdtemp(join(tmpdir(), 'warm-files-'))
const upstream = await startFakeUpstream(eventStream(chatEvents(['It ', 'is ', 'warm.'])))
const deploymentFile = join(folder, 'deployments.json')
// The first request uses up the limit, and the others are rejected.
const limits = { requestsPerMinute: 1, tokensPerMinute: 1_000_000 }
const deployments = {
  open: { model: 'gpt-4o-mini' },
  limited: { model: 'gpt-4o-mini', tokensPerMinute: 1_000_000 },
  full: { model: 'gpt-4o-mini', ...limits },
}
await writeFile(deploymentFile, JSON.stringify(deployments))

const recorded = { RECORDING_DIR: join(folder, 'recordings') }
const upstreamEnv = { AZURE_OPENAI_ENDPOINT: upstream.url, AZURE_OPENAI_KEY: 'upstream-key' }
const atOnce = { LATENCY_TIME_SCALE: '0' }

const cases: readonly Case[] = [
  { name: 'chat, streamed', env: {}, body: streamed, status: 200 },
  { name: 'chat, streamed, with limits', env: {}, body: streamed, status: 200, deployment: 'limited' },
  { name: 'chat, streamed, no delay', env: atOnce, body: streamed, status: 200 },
  { name: 'chat, whole, no delay', env: atOnce, body: chat, status: 200 },
  { name: '429', env: atOnce, body: chat, status: 429, deployment: 'full' },
  {
    name: 'record a stream',
    env: { SIMULATOR_MODE: 'record', ...recorded, ...upstreamEnv },
    body: streamed,
    status: 200,
  },
  // Uses the recording of the case before.
  { name: 'replay a stream', env: { SIMULATOR_MODE: 'replay', ...recorded }, body: streamed, status: 200 },
]

/** Functions that ran, such as `src/pipeline/chain.ts callStage:15`. */
type Ran = ReadonlySet<string>

const source = new URL('../src/', import.meta.url).href
const session = new Session()
session.connect()
await session.post('Profiler.enable')
// Before the program is loaded, because coverage of compiled functions is less precise.
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
const { run } = (await import(`${source}cli/run.ts`)) as { run: typeof runProgram }

/** Returns the functions that ran since the last call. */
async function take(): Promise<Ran> {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const ran = new Set<string>()
  for (const { url, functions } of result) {
    const [file = ''] = url.split('?')
    if (!file.startsWith(source)) continue
    for (const { functionName, ranges } of functions) {
      // esbuild, which tsx uses, adds a helper to name functions.
      if (functionName === '__name' || !ranges[0]?.count) continue
      ran.add(`src/${file.slice(source.length)} ${functionName || '(anonymous)'}@${ranges[0].startOffset}`)
    }
  }
  return ran
}

interface Measured {
  /** Ran for all measured requests. */
  readonly always: Ran
  /** Ran for some of them, at random or by a timer. */
  readonly sometimes: Ran
  /** Ran without a request: timers. */
  readonly idle: Ran
}

async function measure(send: () => Promise<void>): Promise<Measured> {
  const idle = new Set<string>()
  const sets: Ran[] = []
  for (let round = 0; round < measurements; round++) {
    await take()
    await sleep(settleMs)
    for (const name of await take()) idle.add(name)
    await send()
    await sleep(settleMs)
    sets.push(await take())
  }
  const all = new Set(sets.flatMap((set) => [...set]))
  const always = new Set([...all].filter((name) => !idle.has(name) && sets.every((set) => set.has(name))))
  const sometimes = new Set([...all].filter((name) => !idle.has(name) && !always.has(name)))
  return { always, sometimes, idle }
}

/** Runs the program in this process like its command, and measures a request over a socket. */
async function measureCase({ name, env, body, status, deployment = 'open' }: Case): Promise<Measured> {
  const stops = new Set<() => void>()
  let printed = ''
  const signals = {
    on: (_: string, stop: () => void) => stops.add(stop),
    off: (_: string, stop: () => void) => stops.delete(stop),
  }
  const ended = run({
    argv: ['--port', '0'],
    env: {
      LOG_LEVEL: 'warn',
      SIMULATOR_API_KEY: apiKey,
      OPENAI_DEPLOYMENT_CONFIG_PATH: deploymentFile,
      ...env,
    },
    workingDirectory: folder,
    stdout: { write: (text) => (printed += text) },
    stderr: { write: (text) => (printed += text) },
    signals,
  })
  const address = /Endpoint +http:\/\/127\.0\.0\.1:(\d+)/
  while (!address.test(printed)) {
    if ((await Promise.race([ended, sleep(20)])) !== undefined)
      throw new Error(`Could not start the simulator:\n${printed}`)
  }
  const connection = await RawConnection.open(Number(address.exec(printed)?.[1]))
  const request: RawRequest = {
    method: 'POST',
    path: `/openai/deployments/${deployment}/chat/completions?api-version=2024-10-21`,
    headers: { 'api-key': apiKey, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const send = async (expected: number | undefined): Promise<void> => {
    const answer = await connection.send(request)
    if (expected !== undefined && answer.status !== expected)
      throw new Error(
        `Could not measure ${name}: expected ${expected} (got ${answer.status} ${answer.body}).`,
      )
  }
  try {
    for (let sent = 0; sent < warmRequests; sent++) await send(undefined)
    await sleep(settleMs)
    return await measure(() => send(status))
  } finally {
    connection.socket.destroy()
    for (const stop of stops) stop()
    await ended
  }
}

function filesOf(ran: Ran): Map<string, string[]> {
  const files = new Map<string, string[]>()
  for (const name of [...ran].toSorted()) {
    const [file = '', fn = ''] = name.split(' ')
    files.set(file, [...(files.get(file) ?? []), fn.replace(/@\d+$/, '')])
  }
  return files
}

function print(title: string, ran: Ran): void {
  if (ran.size === 0) return
  console.log(`\n${title}`)
  for (const [file, functions] of filesOf(ran)) console.log(`  ${file}: ${functions.join(', ')}`)
}

try {
  const chosen = cases.filter(({ name }) => name.includes(flags.case))
  console.log(`${'one warm request'.padEnd(26)} files  functions  sometimes  idle timers`)
  for (const one of chosen) {
    const { always, sometimes, idle } = await measureCase(one)
    const counts = [filesOf(always).size, always.size, sometimes.size, idle.size]
    const [files, ...others] = counts.map(String)
    console.log(
      one.name.padEnd(26),
      files?.padStart(5),
      ...others.map((count, index) => count.padStart([10, 10, 12][index] ?? 0)),
    )
    if (!flags.list) continue
    print(`${one.name}: files and functions`, always)
    print('Functions that ran for only some of the requests', sometimes)
    print('Functions that ran without a request', idle)
    console.log()
  }
} finally {
  session.disconnect()
  await upstream.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit()
