import { describe, expect, it } from 'vitest'
import type { Trace, TraceSummary } from '../../src/server/admin/trace-schemas.ts'
import { eventually, programKey, startProgram } from '../support/built-program.ts'
import { RawConnection, requestBytes, sendRaw } from '../support/raw-http.ts'
import { connectToBoth, pidExtension } from '../support/worker-answers.ts'

const headers = { 'api-key': programKey, 'content-type': 'application/json' }
const chat = (more: object = {}) => ({
  path: '/openai/deployments/free/chat/completions?api-version=2024-10-21',
  headers,
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi ü' }], max_tokens: 5, ...more }),
})

describe('the traces of several workers', () => {
  it('are those of all workers, each with its parts, also while a request is open', async () => {
    await using program = await startProgram({
      args: ['--workers', '2'],
      files: { 'pid.mjs': pidExtension },
      env: { EXTENSION_PATH: './pid.mjs', LATENCY_TIME_SCALE: '1' },
      deployments: { free: { model: 'gpt-4o' } },
    })
    const get = async <T>(path: string): Promise<T> =>
      JSON.parse((await sendRaw(program.port, { method: 'GET', path, headers })).body) as T
    const list = () => get<{ traces: TraceSummary[]; seen: number; last_id: number }>('/++/traces?limit=1000')

    const connections = await connectToBoth(program.port, chat(), 1)
    const answers: { id: string | undefined; body: string }[] = []
    for (const connection of connections) {
      const answer = await connection.send(chat({ stream: true }))
      const id = answer.headers.find(([name]) => name === 'apim-request-id')?.[1]
      answers.push({ id, body: answer.body })
    }
    // A client that has its answer finds it.
    for (const { id, body } of answers) {
      const trace = await get<Trace>(`/++/traces/${id}`)
      expect(trace).toMatchObject({
        open: false,
        status: 200,
        deployment: 'free',
        streamed: true,
        aborted: false,
      })
      expect(trace.response.body).toBe(body)
      expect(trace.chunks.map(({ text }) => text).join('')).toBe(body)
      expect(trace.chunks.every(({ planned_ms: plannedMs }) => typeof plannedMs === 'number')).toBe(true)
      expect(trace.steps.at(-1)?.name).toBe('generate')
      expect(trace.request.body).toContain('Hi ü')
      expect(JSON.stringify(trace)).not.toContain(programKey)
    }
    const { seen, last_id: lastId } = await eventually(list, (page) => page.seen >= page.last_id)
    expect(seen).toBe(lastId)

    const connection = await RawConnection.open(program.port)
    connection.socket.write(requestBytes(chat({ stream: true, max_tokens: 4_000 })))
    const open = await eventually(list, ({ traces }) => traces[0]?.status === 200 && traces[0].open)
    expect(open.traces[0]).toMatchObject({ open: true, status: 200, duration_ms: null })
    const started = await eventually(
      () => get<Trace>(`/++/traces/${open.traces[0]?.id}`),
      ({ chunks }) => chunks.length > 0,
    )
    expect(started.chunks.length).toBeGreaterThan(0)
    connection.socket.destroy()
    const ended = await eventually(list, ({ traces }) => traces[0]?.open === false)
    expect(ended.traces[0]).toMatchObject({ open: false, aborted: true })
    for (const { socket } of connections) socket.destroy()

    const reset = { method: 'POST', path: '/++/reset', headers }
    expect((await sendRaw(program.port, reset)).status).toBe(200)
    expect((await list()).traces).toEqual([])
  })

  it('count requests that are not sampled', async () => {
    await using program = await startProgram({
      args: ['--workers', '2'],
      deployments: { free: { model: 'gpt-4o' } },
      env: { LATENCY_TIME_SCALE: '0' },
    })
    const count = 1_200
    for (let sent = 0; sent < count; sent += 100)
      await Promise.all(Array.from({ length: 100 }, () => sendRaw(program.port, chat())))
    const page = async () => {
      const answer = await sendRaw(program.port, { method: 'GET', path: '/++/traces', headers })
      return JSON.parse(answer.body) as { seen: number; last_id: number }
    }
    const { seen, last_id: lastId } = await eventually(page, (found) => found.seen >= count)
    expect(seen).toBe(count)
    expect(lastId).toBeLessThan(count)
  })
})
