import { describe, expect, it } from 'vitest'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { chatHead, chatRequest, startListening, tell } from '../support/hostile-client.ts'
import { open } from '../support/open-sockets.ts'
import { readRecordings, recordingPlace, startRecording } from '../support/recording-simulator.ts'
import { deploymentPath, testKey } from '../support/test-simulator.ts'

const chatPath = deploymentPath('gpt-4o-mini', 'chat/completions')
const close = { Connection: 'close' }

/** The status and JSON body of one answer that closes its connection. */
function parse(text: string): { readonly status: number; readonly body: unknown } {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  expect(head).toContain('\r\nContent-Type: application/json\r\n')
  expect(head).toContain(`\r\nContent-Length: ${body.length}\r\n`)
  return { status: Number(head.slice(9, 12)), body: JSON.parse(body) as unknown }
}

const envelope = (code: string) => ({ error: { code, message: expect.any(String) as string } })
const chunkedBody = '2\r\n{}\r\n0\r\n\r\n'

describe('the head of a request', () => {
  it.each([
    ['without a Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BadRequest'],
    ['with two Hosts', 'GET /healthz HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n', 400, 'BadRequest'],
    ['with two Hosts and a body', chatRequest({}, { Host: 'y' }), 400, 'BadRequest'],
    ['of HTTP/1.0 with two Hosts', 'GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n', 400, 'BadRequest'],
    [
      'for the administration with two Hosts',
      `GET /++/config HTTP/1.1\r\nHost: x\r\nHost: y\r\napi-key: ${testKey}\r\n\r\n`,
      400,
      'BadRequest',
    ],
    [
      'with gzip below its chunks',
      `${chatHead}Transfer-Encoding: gzip, chunked\r\n\r\n${chunkedBody}`,
      501,
      'NotImplemented',
    ],
    [
      'with its chunks twice',
      `${chatHead}Transfer-Encoding: chunked, chunked\r\n\r\n${chunkedBody}`,
      400,
      'BadRequest',
    ],
    [
      'with codings in two headers',
      `${chatHead}Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
      501,
      'NotImplemented',
    ],
    ['with a target of another scheme', 'GET ftp://x/healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BadRequest'],
    ['with a target without a host', 'GET http:///healthz HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BadRequest'],
    ['with an asterisk that goes with OPTIONS only', 'GET * HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BadRequest'],
  ])('%s is refused with the error envelope of the gateway', async (_, bytes, status, code) => {
    await using server = await startListening()
    const { text } = await tell(server.port, bytes)
    expect(parse(text)).toEqual({ status, body: envelope(code) })
    expect(text).toContain('\r\nConnection: close\r\n')
    expect((await server.ask()).status).toBe(200)
    expect(await server.inFlight()).toBe(0)
  })

  it('with an unsupported expectation is refused with 417 before its body arrives', async () => {
    await using server = await startListening()
    const socket = await open(server.port)
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.write(`${chatHead}Expect: much\r\nContent-Length: 2\r\n\r\n`)
    expect(parse(await answer)).toEqual({ status: 417, body: envelope('ExpectationFailed') })
    const next = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    socket.write(`{}${chatRequest()}`)
    expect(await next).toMatch(/^HTTP\/1\.1 200 OK/)
    socket.destroy()
  })

  it.each(['chunked', 'CHUNKED', ' chunked '])('with the coding %j is accepted', async (coding) => {
    await using server = await startListening()
    const { text } = await tell(
      server.port,
      `${chatHead}Connection: close\r\nTransfer-Encoding:${coding}\r\n\r\n${chunkedBody}`,
    )
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*messages/)
  })

  const absolute = [
    'http://x',
    'HTTP://X:80',
    'https://my-resource.openai.azure.com',
    'http://user:secret@x',
    'http://[::1]:8000',
  ]
  it.each(absolute)('with an absolute target on %s is answered by its path', async (origin) => {
    await using server = await startListening()
    const post = (headers: string) =>
      tell(
        server.port,
        chatRequest({}, close)
          .replace(/^POST /, `POST ${origin}`)
          .replace(`api-key: ${testKey}\r\n`, headers),
      )
    expect((await post(`api-key: ${testKey}\r\n`)).text).toMatch(/^HTTP\/1\.1 200 OK/)
    expect((await post('')).text).toMatch(/^HTTP\/1\.1 401 PermissionDenied/)
    const get = (path: string, headers = '') =>
      tell(server.port, `GET ${origin}${path} HTTP/1.1\r\nHost: y\r\nConnection: close\r\n${headers}\r\n`)
    expect((await get('/healthz')).text).toMatch(/^HTTP\/1\.1 200 OK/)
    expect((await get('')).text).toMatch(/is running/)
    expect((await get('?a=b')).text).toMatch(/is running/)
    for (const path of ['/++/config', '//++/config']) {
      expect((await get(path)).text).toMatch(/^HTTP\/1\.1 401 /)
      expect((await get(path, `api-key: ${testKey}\r\n`)).text).toMatch(/^HTTP\/1\.1 200 OK/)
    }
  })

  it('with an absolute target uses the host of that target, not the Host header', async () => {
    await using server = await startListening()
    const body = '{"prompt":"A cat","n":1}'
    const path = deploymentPath('dall-e-3', 'images/generations')
    const { text } = await tell(
      server.port,
      `POST http://a.test:81${path} HTTP/1.1\r\nHost: b.test\r\napi-key: ${testKey}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(text).toContain('"url":"http://a.test:81/')
  })
})

describe('an absolute target in record mode', () => {
  const place = recordingPlace()

  it('is sent to the configured upstream by its path, whatever its host', async () => {
    const { listen } = startRecording(place, createSystemClock())
    const port = Number(new URL(await listen()).port)
    const bytes = chatRequest({}, close)
    for (const origin of ['http://127.0.0.1:1', 'HTTP://evil.test', 'https://user@evil.test']) {
      const { text } = await tell(port, bytes.replace(/^POST /, `POST ${origin}`))
      expect(text).toMatch(/^HTTP\/1\.1 200 OK/)
    }
    const options = await tell(
      port,
      `OPTIONS * HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\nConnection: close\r\n\r\n`,
    )
    expect(options.text).toMatch(/^HTTP\/1\.1 200 OK/)
    const { text } = await tell(port, bytes.replace(/^POST /, 'POST http://x').replace(testKey, 'wrong'))
    expect(text).toMatch(/^HTTP\/1\.1 401 /)
    const { host } = new URL(place.upstream.url)
    expect(place.upstream.received.map(({ url, headers }) => [url, headers.host])).toEqual([
      [chatPath, host],
      [chatPath, host],
      [chatPath, host],
      ['/', host],
    ])
    expect(readRecordings(place.dir).map(({ request }) => new URL(request.uri).host)).not.toContain(
      'evil.test',
    )
  })
})

describe('invalid bytes', () => {
  const garbage = [
    '\u0000',
    'garbage\r\n\r\n',
    'GET\r\n\r\n',
    '}',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
  ]
  const requests: readonly [name: string, bytes: string, end: RegExp][] = [
    ['a GET', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', /"status":"ok"/],
    ['a POST', chatRequest(), /chat\.completion/],
    ['a stream', chatRequest({ stream: true }), /data: \[DONE\]\n\n\r\n0\r\n\r\n/],
    [
      'a paced stream',
      chatRequest({ stream: true }, { 'x-sim-delay-ms': '30' }),
      /data: \[DONE\]\n\n\r\n0\r\n\r\n/,
    ],
    [
      'a request of the administration',
      `GET /++/config HTTP/1.1\r\nHost: x\r\napi-key: ${testKey}\r\n\r\n`,
      /openai_deployments/,
    ],
    ['three requests sent ahead', chatRequest({ stream: true }).repeat(3), /(\[DONE\][^]*){3}/],
  ]

  it.each(requests)('after %s do not prevent its answer', async (_, bytes, end) => {
    await using server = await startListening()
    for (const wrong of garbage) {
      for (const parts of [[bytes + wrong], [bytes, wrong], [bytes, wrong, wrong]]) {
        const { text } = await tell(server.port, parts, parts.length > 1 ? 5 : 0)
        const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/)
        expect(answers.slice(0, -1).every((answer) => answer.startsWith('HTTP/1.1 200 '))).toBe(true)
        expect(answers.slice(0, -1).join('')).toMatch(end)
        expect(parse(answers.at(-1) ?? '')).toEqual({ status: 400, body: envelope('BadRequest') })
      }
    }
    expect(await server.inFlight()).toBe(0)
  })

  it('after a request with Connection: close get no answer', async () => {
    await using server = await startListening()
    for (const wrong of garbage) {
      const { text } = await tell(server.port, chatRequest({ stream: true }, close) + wrong)
      expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 200'])
      expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/)
    }
  })

  it('in the body of a request do not prevent the answer before it', async () => {
    await using server = await startListening()
    const broken = `${chatHead}Transfer-Encoding: chunked\r\n\r\nzz\r\n`
    const { text } = await tell(
      server.port,
      chatRequest({ stream: true }, { 'x-sim-delay-ms': '30' }) + broken,
    )
    expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\nHTTP\/1\.1 400 Bad Request\r\n/)
  })

  it('from a client that disconnects leave nothing behind', async () => {
    await using server = await startListening()
    const socket = await open(server.port)
    socket.write(`${chatRequest({ stream: true }, { 'x-sim-delay-ms': '60000' })}garbage\r\n\r\n`)
    await expect.poll(() => server.inFlight()).toBe(1)
    socket.resetAndDestroy()
    await expect.poll(() => server.inFlight()).toBe(0)
  })

  it('that time out after a running stream do not cut it', async () => {
    await using server = await startListening({
      connections: { headersTimeoutSeconds: 0.2, requestTimeoutSeconds: 0.4 },
    })
    const slow = chatRequest({ stream: true }, { 'x-sim-delay-ms': '1500' })
    const { text } = await tell(server.port, `${slow}GET /never HTTP/1.1\r\n`)
    expect(text).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\nHTTP\/1\.1 408 /)
  })
})
