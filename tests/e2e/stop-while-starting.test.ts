import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programKey, runProgram } from '../support/built-program.ts'
import { freePort } from '../support/free-port.ts'
import { RawConnection, requestBytes } from '../support/raw-http.ts'

/** Loaded into the primary before the program: once the program listens for the signal, that is sent after so many milliseconds. */
function signalAfter(signal: string, ms: number): Readonly<Record<string, string>> {
  const send = ms === 0 ? 'process.nextTick(send)' : `setTimeout(send, ${ms})`
  const script = `const send = () => process.kill(process.pid, '${signal}')
if (!process.env.AOAI_SIM_WORKER) process.once('newListener', function watch(name) {
  if (name === '${signal}') ${send}
  else process.once('newListener', watch)
})`
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` }
}

/** An extension that asks the primary to stop while it is loaded, and then goes on for a while, or for ever. */
const slowExtension = (wait: string): string => `
import cluster from 'node:cluster'
if (cluster.isPrimary) process.kill(process.pid, 'SIGTERM')
${wait}
export default { name: 'slow' }
`

/** An extension with which the second worker waits for a file, sends a signal, and goes on with its start. */
const lateWorker = (file: string, target: string): string => `
import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
if (cluster.worker?.id === 2) {
  while (!existsSync('${file}')) await new Promise((resolve) => setTimeout(resolve, 5))
  process.kill(${target}, 'SIGTERM')
}
export default { name: 'late' }
`

const quiet = { code: 0, stderr: '' }

describe('a signal while the program starts', () => {
  it.each(['SIGTERM', 'SIGINT'])('%s is handled from the start, and the exit code is 0', async (signal) => {
    const { code, stderr, stdout } = await runProgram(['--port', '0'], { env: signalAfter(signal, 0) })
    expect({ code, stderr }).toEqual(quiet)
    expect(stdout).toBe('Stopping: no answers are running.\n')
  })

  it.each([100, 300])('ends it with code 0 after %i ms', async (ms) => {
    const { code, stderr } = await runProgram(['--port', '0'], { env: signalAfter('SIGTERM', ms) })
    expect({ code, stderr }).toEqual(quiet)
  })

  it.each([100, 600])('ends it with all of its workers after %i ms', async (ms) => {
    const args = ['--port', '0', '--workers', '2']
    // The primary would wait for a worker that does not receive the stop message.
    const env = { SHUTDOWN_GRACE_SECONDS: '3600', ...signalAfter('SIGTERM', ms) }
    const { code, stderr } = await runProgram(args, { env })
    expect({ code, stderr }).toEqual(quiet)
  })

  it('stops it while a worker loads its modules', async () => {
    const script = `if (process.env.AOAI_SIM_WORKER === '1') {
  process.kill(process.ppid, 'SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 500))
}`
    const { code, stderr } = await runProgram(['--port', '0', '--workers', '2'], {
      env: {
        SHUTDOWN_GRACE_SECONDS: '3600',
        NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
      },
    })
    expect({ code, stderr }).toEqual(quiet)
  })

  it.each([[], ['--workers', '2']])(
    'waits until an extension is loaded, and then does not serve (%j)',
    async (...args) => {
      const wait = 'await new Promise((resolve) => setTimeout(resolve, 300))'
      const { code, stderr, stdout } = await runProgram(['--port', '0', ...args], {
        files: { 'slow.mjs': slowExtension(wait) },
        env: { EXTENSION_PATH: './slow.mjs' },
      })
      expect({ code, stderr }).toEqual(quiet)
      expect(stdout).not.toContain('Endpoint')
    },
  )

  it.each([[], ['--workers', '2']])(
    'does not wait forever for an extension that does not finish loading (%j)',
    async (...args) => {
      const { code, stderr } = await runProgram(['--port', '0', ...args], {
        files: { 'slow.mjs': slowExtension('await new Promise((resolve) => setInterval(() => {}, 1_000))') },
        env: { EXTENSION_PATH: './slow.mjs', SHUTDOWN_GRACE_SECONDS: '0' },
      })
      expect({ code, stderr }).toEqual(quiet)
    },
  )

  it('stops it while it waits for a silent Redis', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const required = { REDIS_URL: url, REDIS_REQUIRED: 'true' }
    const { code, stdout } = await runProgram(['--port', '0'], {
      env: { ...required, ...signalAfter('SIGTERM', 500) },
    })
    silent.close()
    expect(code).toBe(0)
    expect(stdout).not.toContain('Endpoint')
  })

  it.each([
    ['the primary alone', 'process.ppid'],
    ['all processes, as a terminal does', '-process.ppid'],
  ])(
    'lets the streams of a worker that serves already end, while another starts: to %s',
    async (_, target) => {
      const folder = mkdtempSync(join(tmpdir(), 'aoai-late-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const port = await freePort()
      const ended = runProgram(['--port', String(port), '--workers', '2'], {
        files: { 'late.mjs': lateWorker(join(folder, 'go'), target) },
        env: {
          EXTENSION_PATH: './late.mjs',
          SIMULATOR_API_KEY: programKey,
          LATENCY_PROFILE: 'off',
          // On a busy machine it would warn that it was slow.
          LOG_LEVEL: 'error',
          LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '20',
          LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
        },
      })
      await expect.poll(async () => isOpen(port)).toBe(true)
      const streams = await Promise.all(Array.from({ length: 12 }, async () => beginStream(port)))
      writeFileSync(join(folder, 'go'), '')
      const bodies = await Promise.all(streams.map(async (stream) => (await stream.readResponse()).body))
      expect(bodies.filter((body) => body.endsWith('data: [DONE]\n\n'))).toHaveLength(12)
      const { code, stderr, stdout } = await ended
      expect({ code, stderr }).toEqual(quiet)
      expect(stdout).toContain('Stopping:')
    },
  )
})

async function isOpen(port: number): Promise<boolean> {
  const connection = await RawConnection.open(port).catch(() => undefined)
  connection?.socket.destroy()
  return connection !== undefined
}

/** A stream that has begun: its first event has come. */
async function beginStream(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port)
  const messages = [{ role: 'user', content: 'Hi' }]
  const body = JSON.stringify({ model: 'gpt-4o', messages, max_tokens: 40, stream: true })
  const headers = { 'api-key': programKey }
  connection.socket.write(requestBytes({ path: '/openai/v1/chat/completions', headers, body }))
  await connection.waitForText('data: ')
  return connection
}
