import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { programKey, startInProcess, type RunningProgram } from '../support/built-program.ts'
import { RawConnection, requestBytes, sendRaw } from '../support/raw-http.ts'

let program: RunningProgram
beforeAll(async () => {
  program = await startInProcess()
})
afterAll(() => program.stop())

const headers = { 'api-key': programKey, 'Content-Type': 'application/json' }
const path = '/openai/deployments/my-gpt-4o/chat/completions?api-version=2024-10-21'
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3 }

describe('the bytes on the wire', () => {
  it('have the reason phrase, the order and the case of the captured 401', async () => {
    const { bytes } = await sendRaw(program.port, { path, body: JSON.stringify(hello) })
    const [head = '', body = ''] = bytes.split('\r\n\r\n')
    expect(head.replace(/(Date|apim-request-id): .+/g, '$1: *')).toBe(
      [
        'HTTP/1.1 401 PermissionDenied',
        'Content-Length: 224',
        'Content-Type: application/json',
        'Date: *',
        'apim-request-id: *',
      ].join('\r\n'),
    )
    expect(body).toHaveLength(224)
  })

  it.each([true, false])('have no Connection, Keep-Alive and Server header (stream: %s)', async (stream) => {
    const body = JSON.stringify({ ...hello, stream })
    const response = await sendRaw(program.port, { path, headers, body })
    const names = response.headers.map(([name]) => name.toLowerCase())
    expect(names).not.toContain('connection')
    expect(names).not.toContain('keep-alive')
    expect(names).not.toContain('server')
    expect(names).not.toContain('x-powered-by')
    expect(new Set(names).size).toBe(names.length)
  })

  it('have Transfer-Encoding and no Content-Length for a stream, and each chunk has complete events', async () => {
    const body = JSON.stringify({ ...hello, stream: true })
    const response = await sendRaw(program.port, { path, headers, body })
    expect(response.headers).toContainEqual(['Content-Type', 'text/event-stream; charset=utf-8'])
    expect(response.headers).toContainEqual(['Transfer-Encoding', 'chunked'])
    expect(response.headers.map(([name]) => name)).not.toContain('Content-Length')
    for (const chunk of response.chunks) expect(chunk).toMatch(/^data: [^]*\n\n$/)
    expect(response.body).not.toContain('\r')
    expect(response.bytes).toMatch(/\r\n0\r\n\r\n$/)
  })

  it('have a Content-Length in bytes, not characters', async () => {
    const deployment = encodeURIComponent('größe-gpt-4o')
    const response = await sendRaw(program.port, {
      path: `/openai/deployments/${deployment}/embeddings?api-version=2024-10-21`,
      headers,
      body: JSON.stringify({ input: '😄', encoding_format: 'base64' }),
    })
    const length = response.headers.find(([name]) => name === 'Content-Length')?.[1]
    expect(Number(length)).toBe(Buffer.byteLength(response.body))
  })
})

describe('one connection', () => {
  it('transports many requests, answers, errors and streams one after another', async () => {
    const connection = await RawConnection.open(program.port)
    for (let round = 0; round < 3; round++) {
      expect((await connection.send({ path, headers, body: JSON.stringify(hello) })).status).toBe(200)
      expect((await connection.send({ path, headers, body: '{' })).status).toBe(400)
      expect((await connection.send({ path, body: '{}' })).status).toBe(401)
      expect((await connection.send({ method: 'GET', path: '/nowhere', headers })).status).toBe(404)
      const body = JSON.stringify({ ...hello, stream: true })
      expect((await connection.send({ path, headers, body })).body).toMatch(/\[DONE\]\n\n$/)
    }
    connection.socket.destroy()
  })

  it('answers pipelined requests in order', async () => {
    const connection = await RawConnection.open(program.port)
    const sizes = [5, 1, 3]
    const requests = sizes.map((max_tokens) =>
      requestBytes({ path, headers, body: JSON.stringify({ ...hello, max_tokens }) }),
    )
    connection.socket.write(requests.join(''))
    for (const size of sizes) {
      const { body } = await connection.readResponse()
      expect(JSON.parse(body)).toMatchObject({ usage: { completion_tokens: size } })
    }
    connection.socket.destroy()
  })

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['a broken length', `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n{}`],
  ])('with %s gets a 400 and does not affect other connections', async (_, bytes) => {
    const connection = await RawConnection.open(program.port)
    connection.socket.write(bytes)
    await connection.waitForText('HTTP/1.1 400')
    connection.socket.destroy()
    expect((await sendRaw(program.port, { path, headers, body: JSON.stringify(hello) })).status).toBe(200)
  })

  it('accepts a large body in several chunks and returns one answer', async () => {
    const connection = await RawConnection.open(program.port)
    const body = JSON.stringify({ ...hello, messages: [{ role: 'user', content: 'word '.repeat(50_000) }] })
    const bytes = requestBytes({ path, headers, body })
    for (let at = 0; at < bytes.length; at += 10_000) connection.socket.write(bytes.slice(at, at + 10_000))
    const response = await connection.readResponse()
    expect(response.status).toBe(200)
    expect(JSON.parse(response.body)).toMatchObject({ usage: { prompt_tokens: expect.any(Number) } })
    connection.socket.destroy()
  })
})
