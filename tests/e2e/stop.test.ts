import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually, programKey, startInProcess, startProgram } from '../support/built-program.ts'
import { RawConnection, requestBytes, type RawRequest } from '../support/raw-http.ts'
import { freePort } from '../support/free-port.ts'

/** One token every 50 ms, with no spread. */
const paced = {
  LATENCY_TIME_SCALE: '1',
  LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: '50',
  LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
}

function streamOf(tokens: number): RawRequest {
  return {
    path: '/openai/v1/chat/completions',
    headers: { 'api-key': programKey },
    body: JSON.stringify({
      model: 'gpt-4o',
      messages: [{ role: 'user', content: 'Hi' }],
      max_tokens: tokens,
      stream: true,
    }),
  }
}

/** A stream that has begun: its first event has come. */
async function beginStream(port: number, tokens: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port)
  connection.socket.write(requestBytes(streamOf(tokens)))
  await connection.waitForText('data: ')
  return connection
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const values = text.split('\n').filter((line) => line.startsWith(name))
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

describe('SIGTERM and SIGINT', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets a running stream end, refuses new connections, and exits with code 0',
    async (signal) => {
      // No other test gets this port at random after it is closed.
      const args = ['--port', String(await freePort())]
      await using program = await startProgram({ args, env: { ...paced, SHUTDOWN_GRACE_SECONDS: '50' } })
      const connection = await beginStream(program.port, 16)
      program.signal(signal)
      await eventually(
        async () => program.stdout(),
        (text) => text.includes('Stopping'),
      )
      await expect(RawConnection.open(program.port)).rejects.toThrow('ECONNREFUSED')
      const response = await connection.readResponse()
      expect(response.body).toMatch(/data: \[DONE\]\n\n$/)
      const answeredAt = Date.now()
      const { code, stderr } = await program.end
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      // A client that keeps its connection open must not hold up the end until the grace period is over.
      expect(Date.now() - answeredAt).toBeLessThan(20_000)
    },
  )

  it('ends immediately without running requests, although one connection is idle and one client disconnected within its request body', async () => {
    await using program = await startProgram({ env: { SHUTDOWN_GRACE_SECONDS: '50' } })
    const leaving = await RawConnection.open(program.port)
    leaving.socket.write(requestBytes(streamOf(5)).slice(0, -20))
    await sleep(50)
    leaving.socket.destroy()
    const connection = await RawConnection.open(program.port)
    await connection.send({ method: 'GET', path: '/healthz' })
    const startedAt = Date.now()
    const { code, stderr } = await program.stop()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(Date.now() - startedAt).toBeLessThan(20_000)
  })

  it('cuts streams that still run after the grace period, and exits with code 0', async () => {
    await using program = await startProgram({ env: { ...paced, SHUTDOWN_GRACE_SECONDS: '1' } })
    const connection = await beginStream(program.port, 1_000)
    const startedAt = Date.now()
    program.signal('SIGTERM')
    await expect(connection.readResponse()).rejects.toThrow('The connection closed')
    const { code } = await program.end
    expect(code).toBe(0)
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(950)
    // All of the tokens would take fifty seconds.
    expect(Date.now() - startedAt).toBeLessThan(20_000)
  })
})

describe('a client that disconnects', () => {
  it('stops the work for it: in flight falls to 0, the disconnect is counted, others continue', async () => {
    await using program = await startInProcess({ env: paced })
    const staying = await beginStream(program.port, 60)
    const leaving = await beginStream(program.port, 10_000)
    expect(await metric(program.url, 'aoai_requests_in_flight')).toBe(2)
    leaving.socket.destroy()
    const left = await eventually(
      async () => metric(program.url, 'aoai_client_disconnects_total{'),
      (count) => count > 0,
    )
    expect(left).toBe(1)
    expect((await staying.readResponse()).body).toMatch(/data: \[DONE\]\n\n$/)
    expect(await metric(program.url, 'aoai_requests_in_flight')).toBe(0)
    expect(await metric(program.url, 'aoai_requests_total{')).toBe(2)
    expect(await metric(program.url, 'aoai_client_disconnects_total{')).toBe(1)
  })

  it('stops the work also before its answer is due', async () => {
    await using program = await startInProcess({ env: paced })
    const connection = await RawConnection.open(program.port)
    const { body = '', ...request } = streamOf(10_000)
    connection.socket.write(requestBytes({ ...request, body: body.replace(',"stream":true', '') }))
    await eventually(
      async () => metric(program.url, 'aoai_requests_in_flight'),
      (count) => count === 1,
    )
    connection.socket.destroy()
    expect(
      await eventually(
        async () => metric(program.url, 'aoai_requests_in_flight'),
        (count) => count === 0,
      ),
    ).toBe(0)
    expect(await metric(program.url, 'aoai_client_disconnects_total{')).toBe(1)
  })
})
