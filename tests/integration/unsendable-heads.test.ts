import { describe, expect, it } from 'vitest'
import { createSimulator, createVirtualClock, textBody, type Hook, type Reply } from '../../src/index.ts'
import { chatRequest, type ListeningSimulator, startListening, tell } from '../support/hostile-client.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { deploymentPath, testKey } from '../support/test-simulator.ts'

const chatPath = deploymentPath('gpt-4o-mini', 'chat/completions')

/** Changes by an extension to the head of an answer, and the part of the head that must remain. */
const heads: readonly [name: string, change: (reply: Reply) => void, kept: RegExp][] = [
  [
    'a value above Latin-1',
    ({ headers }) => headers.set('x-bad', '字💥'),
    /^x-bad: %E5%AD%97%F0%9F%92%A5\r$/m,
  ],
  [
    'a value with half a surrogate pair',
    ({ headers }) => headers.set('x-bad', 'a\ud800'),
    /^x-bad: a%EF%BF%BD\r$/m,
  ],
  ['a value with line breaks', ({ headers }) => headers.set('x-bad', 'a\r\nb: c'), /^x-bad: a%0D%0Ab: c\r$/m],
  ['a value with NUL', ({ headers }) => headers.set('x-bad', 'a\u0000'), /^x-bad: a%00\r$/m],
  ['a name with a space', ({ headers }) => headers.set('x bad', '1'), /^HTTP\/1\.1 200 OK\r$/m],
  ['a name with line breaks', ({ headers }) => headers.set('x\r\nbad', '1'), /^HTTP\/1\.1 200 OK\r$/m],
  ['an empty name', ({ headers }) => headers.set('', '1'), /^HTTP\/1\.1 200 OK\r$/m],
  ['a trailer', ({ headers }) => headers.set('Trailer', 'x'), /^HTTP\/1\.1 200 OK\r$/m],
  ['a phrase with NUL', (reply) => (reply.reason = 'O\u0000K'), /^HTTP\/1\.1 200 OK\r$/m],
  ['a phrase with line breaks', (reply) => (reply.reason = 'OK\r\nb: c'), /^HTTP\/1\.1 200 OK\r$/m],
]

async function startWithChange(change: (reply: Reply) => void): Promise<ListeningSimulator> {
  // The change comes after the checks of the inner chain.
  const hook: Hook = (_, next) => {
    const answered = next()
    void Promise.resolve(answered).then(change)
    return answered
  }
  return startListening({ extensions: [{ name: 'change', hooks: [hook] }] })
}

/** Checks the head of an answer. A header that was injected by a line break would start a line. */
function checkHead(text: string, kept: RegExp): void {
  const head = text.slice(0, text.indexOf('\r\n\r\n') + 2)
  expect(head).toMatch(kept)
  expect(head).not.toMatch(/^b: c/m)
  expect(head).not.toContain('bad: 1')
}

describe('an invalid response head', () => {
  it.each(heads)('with %s does not prevent the answer over a socket', async (_, change, kept) => {
    await using server = await startWithChange(change)
    const close = { Connection: 'close' }
    const whole = await tell(server.port, chatRequest({}, close))
    checkHead(whole.text, kept)
    expect(whole.text).toMatch(/\}\n$/)
    const requests = {
      stream: chatRequest({ stream: true }, close),
      paced: chatRequest({ stream: true }, { ...close, 'x-sim-delay-ms': '5' }),
      pipelined: chatRequest({ stream: true }) + chatRequest({ stream: true }, close),
    }
    for (const request of Object.values(requests)) {
      const { text } = await tell(server.port, request)
      checkHead(text, kept)
      expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
    }
    const { text } = await tell(server.port, requests.pipelined)
    expect(text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2)
    const old = chatRequest({}, { Connection: 'keep-alive' }).replace('HTTP/1.1', 'HTTP/1.0')
    const twice = await tell(server.port, old + chatRequest({}, close).replace('HTTP/1.1', 'HTTP/1.0'))
    expect(twice.text.match(/HTTP\/1\.1 200 OK\r\n/g)).toHaveLength(2)
    checkHead(twice.text, kept)
    expect(server.log).toMatchObject([{ level: 'warn', fields: { faults: [expect.any(String)] } }])
  })

  it.each(heads)('with %s does not prevent the answer in process', async (_, change) => {
    await using server = await startWithChange(change)
    for (const stream of [false, true]) {
      const response = await server.sim.fetch(chatPath, {
        method: 'POST',
        headers: { 'api-key': testKey },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3, stream }),
      })
      expect([response.status, response.statusText]).toEqual([200, 'OK'])
      expect(await response.text()).toMatch(stream ? /\[DONE\]\n\n$/ : /\}\n$/)
      expect([...response.headers.keys()]).not.toContain('b')
    }
    expect(await server.inFlight()).toBe(0)
  })

  it.each([99, 101, 199, 1_000])('with the status %d becomes a 500 with the same body', async (status) => {
    await using server = await startWithChange((reply) => (reply.status = status))
    const { text } = await tell(server.port, chatRequest({ stream: true }, { Connection: 'close' }))
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n[^]*data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
    const response = await server.sim.fetch(chatPath, {
      method: 'POST',
      headers: { 'api-key': testKey },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3 }),
    })
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ object: 'chat.completion' })
  })

  it.each([204, 205, 304])('with the status %d has no body, in process and over a socket', async (status) => {
    await using server = await startWithChange((reply) => (reply.status = status))
    for (const stream of [false, true]) {
      const body = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3, stream }
      const init = { method: 'POST', headers: { 'api-key': testKey }, body: JSON.stringify(body) }
      const response = await server.sim.fetch(chatPath, init)
      expect([response.status, await response.text()]).toEqual([status, ''])
      expect(await server.inFlight()).toBe(0)
    }
  })

  it('with a status from 600 is sent unchanged, in process and over a socket', async () => {
    await using server = await startWithChange((reply) => (reply.status = 999))
    const { text } = await tell(server.port, chatRequest({}, { Connection: 'close' }))
    expect(text).toMatch(/^HTTP\/1\.1 999 /)
    const init = { method: 'POST', headers: { 'api-key': testKey }, body: '{}' }
    const response = await server.sim.fetch(chatPath, init)
    expect([response.status, response.ok]).toEqual([999, false])
  })

  it('is logged once a minute for each kind of problem', async () => {
    const log: LogLine[] = []
    const clock = createVirtualClock()
    const hook: Hook = (_, next) => {
      const answered = next()
      void Promise.resolve(answered).then(({ headers }) => headers.set('x-bad', '字'))
      return answered
    }
    await using sim = await createSimulator({
      apiKey: testKey,
      clock,
      log: collectInto(log),
      extensions: [{ name: 'change', hooks: [hook] }],
    })
    const init = { method: 'POST', headers: { 'api-key': testKey }, body: '{}' }
    for (let count = 0; count < 5; count++) await sim.fetch(chatPath, init)
    expect(log).toMatchObject([
      { level: 'warn', fields: { method: 'POST', path: chatPath.split('?')[0], faults: ['header value'] } },
    ])
    await clock.advance(60_000)
    await sim.fetch(chatPath, init)
    expect(log).toHaveLength(2)
  })
})

describe('an answer that fails to render', () => {
  const broken: Hook = async (_, next) => {
    const reply = await next()
    return {
      ...reply,
      body: {
        ...textBody(''),
        render: () => {
          throw new Error('secret words')
        },
      },
    }
  }

  it('is the 500 of the service, over a socket and in process', async () => {
    await using server = await startListening({ extensions: [{ name: 'broken', hooks: [broken] }] })
    const { text } = await tell(server.port, chatRequest({}, { Connection: 'close' }))
    const init = { method: 'POST', headers: { 'api-key': testKey }, body: '{}' }
    const response = await server.sim.fetch(chatPath, init)
    const body = await response.text()
    expect(text).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
    for (const errorBody of [text.slice(text.indexOf('\r\n\r\n')), body]) {
      expect(JSON.parse(errorBody)).toEqual({
        error: {
          message: expect.stringContaining('The server had an error') as string,
          type: 'server_error',
          param: null,
          code: null,
        },
      })
    }
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(text + body).not.toContain('secret words')
    expect(await server.inFlight()).toBe(0)
  })
})
