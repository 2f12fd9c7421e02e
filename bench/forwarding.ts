import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { cpuSeconds } from './process-facts.ts'
import { findCores, findFreePort, stop } from './processes.ts'
import { key, running, startSimulator, type Server } from './servers.ts'
import { median, ratioOf } from './statistics.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/** A kind of forwarded request. */
interface ForwardingCase {
  readonly name: string
  /** Path of the request; absent: chat completions. */
  readonly path?: string
  readonly body: object
  /** Overrides the number of requests of a round. */
  readonly requests: number
}

const messages = [{ role: 'user', content: 'Tell me about the weather in the north.' }]

const cases: readonly ForwardingCase[] = [
  { name: 'forwarded stream', body: { messages, stream: true }, requests: 400 },
  { name: 'forwarded whole answer', body: { messages }, requests: 3_000 },
  {
    name: 'forwarded converted stream',
    path: '/openai/v1/responses',
    body: { model: 'converted', input: messages, stream: true },
    requests: 400,
  },
]

/** Its upstream has only chat completions. */
const deployments = { converted: { model: 'gpt-4o', upstream: 'default/gpt-4o', form: 'chat' } }

const chatPath = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'
const concurrency = 32

/** Options of the measurement. */
export interface ForwardingOptions {
  /** Path of the simulator's main.js. */
  readonly program: string
  readonly rounds: number
  /** Selects cases by a part of their names. */
  readonly only: string
}

/**
 * Compares the CPU time of a forwarded request with that of a bare `node:http` proxy, in the same run. CPU time, unlike the number of
 * requests per second, hardly depends on other programs.
 */
export async function compareForwarding({ program, rounds, only }: ForwardingOptions): Promise<void> {
  const selected = cases.filter(({ name }) => name.includes(only))
  if (selected.length === 0) return
  const core = findCores()?.servers
  const folder = createTemporaryFolder('bench-forwarding')
  const upstreamPort = await findFreePort()
  const upstream = await running(
    [process.execPath, script('upstream-server.mjs'), String(upstreamPort)],
    upstreamPort,
    { core },
  )
  const proxyPort = await findFreePort()
  const proxy = await running(
    [process.execPath, script('proxy-server.mjs'), String(proxyPort), String(upstreamPort)],
    proxyPort,
    { core },
  )
  const simulator = await startSimulator({
    program,
    folder,
    deployments,
    core,
    env: {
      SIMULATOR_MODE: 'forward',
      AZURE_OPENAI_ENDPOINT: `http://127.0.0.1:${upstreamPort}`,
      AZURE_OPENAI_KEY: 'a-key-of-the-upstream-0123456789',
    },
  })
  const servers = [simulator, proxy]
  console.log('\nCPU time of one request, against a bare node:http proxy (lower is better)')
  for (const forwarding of selected) {
    const seen: number[][] = servers.map(() => [])
    for (const server of servers) await cpuOf(server, forwarding)
    for (let round = 0; round < rounds; round++) {
      for (const [index, server] of servers.entries()) seen[index]?.push(await cpuOf(server, forwarding))
    }
    const [own = [], bare = []] = seen
    const ratio = ratioOf(own, bare)
    const figures = [ratio.median, ratio.lowest, ratio.highest].map((value) => value.toFixed(2))
    console.log(
      `${forwarding.name.padEnd(28)}${figures[0]} (${figures[1]} to ${figures[2]})    (${median(own).toFixed(0)} and ${median(bare).toFixed(0)} µs on this machine)`,
    )
  }
  for (const { child } of [simulator, proxy, upstream]) await stop(child)
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** Returns the CPU time of the server for one request, in microseconds. */
async function cpuOf(
  { pid, port }: Server,
  { path = chatPath, body, requests }: ForwardingCase,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const content = JSON.stringify(body)
  let left = requests
  const loop = async (): Promise<void> => {
    while (left-- > 0) await ask(agent, port, path, content)
  }
  const before = cpuSeconds(pid)
  await Promise.all(Array.from({ length: concurrency }, loop))
  const seconds = cpuSeconds(pid) - before
  agent.destroy()
  return (seconds / requests) * 1e6
}

function ask(agent: Agent, port: number, path: string, content: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'api-key': key, 'content-type': 'application/json', 'content-length': content.length }
    const call = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers })
    call.on('response', (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`Could not measure: status ${answer.statusCode}.`))
      answer.resume()
      answer.on('end', resolve)
      answer.on('error', reject)
    })
    call.on('error', reject)
    call.end(content)
  })
}
