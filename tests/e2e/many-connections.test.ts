import { execFileSync } from 'node:child_process'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { openMany } from '../support/open-sockets.ts'
import { programKey, type RunningProgram, startProgram } from '../support/built-program.ts'
import { requestBytes } from '../support/raw-http.ts'

const MB = 1024 * 1024
const chatPath = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2025-04-01-preview'
const headers = { 'api-key': programKey, 'content-type': 'application/json' }
const messages = [{ role: 'user', content: 'Hello' }]

/** As many connections as file descriptors allow. Both ends are on this machine, in separate processes. */
const descriptors = execFileSync('bash', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
const idleCount = descriptors === 'unlimited' ? 10_000 : Math.min(10_000, Number(descriptors) - 500)

async function residentMb({ url }: RunningProgram): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / MB
}

/** How long each of some requests took, in milliseconds, ascending. */
async function latencies({ url }: RunningProgram, count: number): Promise<number[]> {
  const times: number[] = []
  const body = JSON.stringify({ messages, max_tokens: 20 })
  for (let asked = 0; asked < count; asked++) {
    const startMs = performance.now()
    const response = await fetch(url + chatPath, {
      method: 'POST',
      headers,
      body,
    })
    expect(response.status).toBe(200)
    await response.text()
    times.push(performance.now() - startMs)
  }
  return times.sort((a, b) => a - b)
}

/** Sends a request on each connection, and waits for the first bytes of all answers. */
async function sendOnEach(sockets: readonly Socket[], request: string): Promise<void> {
  for (let from = 0; from < sockets.length; from += 500) {
    await Promise.all(
      sockets.slice(from, from + 500).map(
        (socket) =>
          new Promise((resolve) => {
            socket.once('data', resolve)
            socket.write(request)
          }),
      ),
    )
  }
}

function report(what: string, figures: Readonly<Record<string, number>>): void {
  if (process.env['HOSTILE_REPORT']) process.stdout.write(`${what} ${JSON.stringify(figures)}\n`)
}

describe('the program, with very many connections', () => {
  it(`serves a client in time with ${idleCount} idle ones, and uses little memory for them`, async () => {
    await using program = await startProgram()
    await latencies(program, 200)
    const alone = await latencies(program, 100)
    const beforeMb = await residentMb(program)
    const sockets = await openMany(program.port, idleCount)
    const silentMb = await residentMb(program)
    await sendOnEach(sockets, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')
    const keptMb = await residentMb(program)
    const beside = await latencies(program, 100)
    report('idle', {
      connections: sockets.length,
      kbEachSilent: ((silentMb - beforeMb) * 1024) / idleCount,
      kbEachKept: ((keptMb - beforeMb) * 1024) / idleCount,
      medianMsAlone: alone[50] ?? NaN,
      medianMsBeside: beside[50] ?? NaN,
      slowestMsBeside: beside[99] ?? NaN,
    })
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(idleCount)
    // Measured: 8 KB. The rest is room for what the process holds besides.
    expect(((keptMb - beforeMb) * 1024) / idleCount).toBeLessThan(40)
    // Usually the same. Compared, since a busy machine lengthens both.
    expect(beside[50]).toBeLessThan(10 * (alone[50] ?? NaN) + 50)
    for (const socket of sockets) socket.destroy()
  })

  it('uses little memory for open streams, and releases it when the clients disconnect', async () => {
    await using program = await startProgram({
      env: { LATENCY_TIME_SCALE: '1' },
      deployments: { 'gpt-4o-mini': { model: 'gpt-4o-mini', latency: { firstToken: 10, perToken: 1_000 } } },
    })
    const body = JSON.stringify({ messages, max_tokens: 500, stream: true })
    const request = requestBytes({ path: chatPath, headers, body })
    const count = 1_000
    const beforeMb = await residentMb(program)
    const sockets = await openMany(program.port, count)
    await sendOnEach(sockets, request)
    const kbEach = (((await residentMb(program)) - beforeMb) * 1024) / count
    report('streams', { beforeMb, kbEach })
    expect(kbEach).toBeLessThan(150)
    for (const socket of sockets) socket.resetAndDestroy()
    const inFlight = async () =>
      /^aoai_requests_in_flight (\d+)$/m.exec(await (await fetch(`${program.url}/metrics`)).text())?.[1]
    await expect.poll(inFlight).toBe('0')
  })
})
