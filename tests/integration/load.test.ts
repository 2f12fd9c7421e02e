import { EventEmitter } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import type { LoadReport } from '../../src/load/load-report.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** Starts a server with answers of the test. The command requests its root once before the load. */
async function serve(answer: RequestListener, port = 0): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end()
    request.resume().on('end', () => answer(request, response))
    return undefined
  })
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  closers.push(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

interface Called {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function load(
  argv: readonly string[],
  host: { isTTY?: boolean; signals?: EventEmitter } = {},
): Promise<Called> {
  let out = ''
  let err = ''
  const code = await run({
    argv: ['load', ...argv],
    env: { SIMULATOR_API_KEY: 'secret' },
    workingDirectory: tmpdir(),
    stdout: { write: (text) => (out += text) },
    stderr: Object.assign({ write: (text: string) => (err += text) }, { isTTY: host.isTTY ?? false }),
    signals: host.signals ?? new EventEmitter(),
  })
  return { code, out, err }
}

const reportOf = ({ out }: Called): LoadReport => JSON.parse(out) as LoadReport

const token = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
const end = 'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}\n\ndata: [DONE]\n\n'

describe('interrupted streams', () => {
  it('interrupted streams are counted as such, and later requests are measured as usual', async () => {
    let requests = 0
    const signals = new EventEmitter()
    const { url } = await serve((_request, response) => {
      requests += 1
      if (requests === 60) signals.emit('SIGINT')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(token)
      const kind = requests % 4
      setTimeout(() => {
        if (kind === 0) response.socket?.end()
        else if (kind === 1) response.socket?.resetAndDestroy()
        else if (kind === 2) response.end(token)
        else response.end(token + end)
      }, 20)
    })
    const called = await load(
      ['--url', url, '--stream', '--duration', '1h', '--connections', '2', '--json'],
      {
        signals,
      },
    )
    const { requests: counted, failures, timePerOutputTokenMs } = reportOf(called)
    expect(called.code).toBe(0)
    const ended = counted.ok + counted.failed
    expect(ended).toBeGreaterThan(20)
    expect(counted.sent).toBe(ended + counted.unfinished)
    expect(counted.ok / ended).toBeCloseTo(0.25, 1)
    expect(failures.map(({ reason, count }) => [reason, count])).toEqual([
      ['interrupted stream', counted.failed],
    ])
    expect(timePerOutputTokenMs?.p50).toBeGreaterThan(5)
  })
})

describe('closed connections', () => {
  it('a connection that closes after its answer does not fail a request', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' })
      setTimeout(() => response.end('{"usage":{"prompt_tokens":3,"completion_tokens":1}}'), 5)
    })
    const called = await load(['--url', url, '--duration', '500ms', '--connections', '2', '--json'])
    const { requests, tokens } = reportOf(called)
    expect(requests.ok).toBeGreaterThan(2)
    expect(requests).toMatchObject({ sent: requests.ok, failed: 0 })
    expect(tokens).toEqual({ in: requests.ok * 3, out: requests.ok })
  })

  it('an endpoint that stops listening ends the run early, and the table says so', async () => {
    const { url, close } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{}')
      setTimeout(close, 100)
    })
    const called = await load(['--url', url, '--duration', '60', '--connections', '40'])
    expect(called.code).toBe(0)
    expect(called.out).toContain('Ended early: could not connect any more.')
  })
})

describe('failures', () => {
  it('a run without a success has exit code 1 and shows the error message without control characters', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(401, { 'content-type': 'application/json' })
      setTimeout(() => response.end('{"error":{"code":"401","message":"Access \\u001b[31mdenied"}}'), 20)
    })
    const called = await load(['--url', url, '--duration', '10m', '--connections', '1'])
    expect(called.code).toBe(1)
    expect(called.out).toMatch(/^ {2}401 +\d+ {2}Access \?\[31mdenied$/m)
    expect(called.err).toMatch(
      /^Could not get a successful answer from http\S+ \(got 10 times 401: Access \?\[31mdenied\)\. Set --api-key.*\n$/,
    )
  })

  it('a run with temporary errors lasts for its whole duration', async () => {
    const { url } = await serve((_request, response) => {
      setTimeout(() => response.writeHead(500).end('{"error":{"message":"Busy"}}'), 5)
    })
    const called = await load(['--url', url, '--duration', '500ms', '--connections', '4', '--json'])
    const { ended, requests } = reportOf(called)
    expect({ code: called.code, ended }).toEqual({ code: 1, ended: 'duration' })
    expect(requests.failed).toBeGreaterThan(10)
    expect(called.err).toContain('Fix the first failure in the report.')
  })
})

describe('an endpoint that refuses every request', () => {
  const refuse = (status: number, body: string) =>
    serve((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })

  it.each([
    [401, 'Access denied', /Set --api-key or SIMULATOR_API_KEY to the key of that endpoint\.\n$/],
    [403, 'Public access is disabled', /Check the networks, firewall rules and roles/],
    [404, 'The API deployment does not exist', /Set --deployment to an existing one \(got typo\)/],
  ])(
    'an endpoint that answers %i ends the run early with exit code 1 and a hint',
    async (status, message, advice) => {
      const { url } = await refuse(status, JSON.stringify({ error: { message } }))
      const flags = [
        '--url',
        url,
        '--duration',
        '10m',
        '--connections',
        '1',
        '--deployment',
        'typo',
        '--json',
      ]
      const called = await load(flags)
      const { ended, refusal, requests } = reportOf(called)
      expect({ code: called.code, ended, refusal }).toEqual({
        code: 1,
        ended: 'refused',
        refusal: { reason: String(status), count: 10, example: message },
      })
      expect(requests.sent).toBe(10)
      expect(called.err).toMatch(advice)
    },
  )

  it('a permanent error also ends the warm-up, and the report says so', async () => {
    const { url } = await refuse(401, '{}')
    const called = await load(['--url', url, '--duration', '10m', '--warmup', '5m', '--connections', '3'])
    expect(called.code).toBe(1)
    expect(called.out).toMatch(/^Ended early: all \d+ answers were 401\.$/m)
    expect(called.err).toMatch(/got \d+ times 401\)/)
  })

  it('a permanent error ends an open loop at a low rate after one second', async () => {
    const { url } = await refuse(403, '{}')
    const called = await load(['--url', url, '--duration', '10m', '--rate', '0.5', '--json'])
    expect(reportOf(called)).toMatchObject({ ended: 'refused', refusal: { reason: '403' } })
  })
})

describe('an endpoint that refuses some requests', () => {
  it('an endpoint with slow successful answers gets load for the whole duration', async () => {
    let requests = 0
    const { url } = await serve((_request, response) => {
      requests += 1
      if (requests % 2 === 0) response.writeHead(401).end('{}')
      else setTimeout(() => response.end('{}'), 300)
    })
    const called = await load(['--url', url, '--duration', '900ms', '--connections', '8', '--json'])
    expect(reportOf(called)).toMatchObject({ ended: 'duration', refusal: null })
    expect(called.code).toBe(0)
  })
})

describe('Ctrl-C', () => {
  it('Ctrl-C ends the run early and shows the table', async () => {
    let requests = 0
    const signals = new EventEmitter()
    const { url } = await serve((_request, response) => {
      requests += 1
      if (requests === 20) signals.emit('SIGINT')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end(token + end)
    })
    const startedAt = performance.now()
    const called = await load(['--url', url, '--stream', '--duration', '1h', '--connections', '1'], {
      signals,
    })
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(called.code).toBe(0)
    expect(called.out).toMatch(/^ok +[\d,]+ /m)
    expect(called.out).toContain('Ended early: stopped by a signal.')
  })
})

describe('the progress line', () => {
  const quick: RequestListener = (_request, response) => void setTimeout(() => response.end('{}'), 20)
  const args = ['--duration', '1', '--connections', '1', '--json']

  it('the progress line is on the terminal during the run and is erased at the end', async () => {
    const { url } = await serve(quick)
    const { err } = await load(['--url', url, ...args], { isTTY: true })
    expect(err).toMatch(/load [01]\/1 s {2}\d+ sent {2}\d+ ok {2}0 429 {2}0 failed/)
    expect(err.endsWith('\r\u001b[2K')).toBe(true)
  })

  it('the progress line is not written without a terminal', async () => {
    const { url } = await serve(quick)
    expect((await load(['--url', url, ...args])).err).toBe('')
  })
})

describe('a request', () => {
  it.each([
    [
      ['--operation', 'chat'],
      '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21',
      'max_tokens',
    ],
    [['--api-version', 'v1'], '/openai/v1/chat/completions', 'max_completion_tokens'],
    [['--operation', 'responses'], '/openai/v1/responses', 'max_output_tokens'],
    [
      ['--operation', 'completions', '--deployment', 'a b'],
      '/openai/deployments/a%20b/completions?api-version=2024-10-21',
      'max_tokens',
    ],
    [
      ['--operation', 'embeddings'],
      '/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21',
      'encoding_format',
    ],
  ])('a request of %j goes to %s with the key', async (flags, path, field) => {
    let seen: { url: string | undefined; key: unknown; fields: string[] } | undefined
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        if (request.method === 'POST') {
          seen ??= {
            url: request.url,
            key: request.headers['api-key'],
            fields: Object.keys(JSON.parse(body) as object),
          }
        }
        setTimeout(() => response.end('{}'), 20)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    closers.push(() => server.close())
    const { port } = server.address() as AddressInfo
    await load([
      '--url',
      `http://127.0.0.1:${port}/gateway/`,
      '--duration',
      '300ms',
      '--connections',
      '1',
      ...flags,
    ])
    expect(seen).toMatchObject({ url: `/gateway${path}`, key: 'secret' })
    expect(seen?.fields).toContain(field)
  })
})

describe('wrong usage', () => {
  it.each([
    [['--url', 'http://example.com'], /add --allow-host example\.com\./],
    [['--url', 'http://example.com', '--allow-host', 'example.org'], /got --allow-host example\.org/],
    [['--url', 'ftp://127.0.0.1'], /Give an address such as/],
    [['--duration', '61m'], /Give a time from 0\.1s to 3600s/],
    [['--duration', 'ever'], /Give a time from 0\.1s to 3600s/],
    [['--connections', '0'], /Give a whole number from 1 to 10,000/],
    [['--rate', '0'], /Give a number from 0\.1 to 100,000/],
    [['--operation', 'audio'], /Allowed choices are chat, completions, embeddings, responses/],
    [['--workload', 'email'], /Allowed choices are conversation, code/],
    [['--operation', 'embeddings', '--stream'], /embeddings cannot be streamed/],
    [['--operation', 'embeddings', '--max-tokens', '5'], /Use --prompt-tokens/],
    [['--rate', '5', '--honor-retry-after'], /Remove one of them/],
    [['--prompt', 'x'], /unknown option '--prompt'\n/],
    [['--port', '9000'], /unknown option '--port'\n/],
    [['--connection', '9'], /unknown option '--connection'\n\(Did you mean --connections\?\)/],
  ])('%j is rejected with exit code 2 and a hint', async (argv, message) => {
    const { code, out, err } = await load(argv)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
  })

  it('a missing key is rejected', async () => {
    let err = ''
    const code = await run({
      argv: ['load'],
      env: {},
      workingDirectory: tmpdir(),
      stdout: { write: () => {} },
      stderr: { write: (text) => (err += text) },
      signals: new EventEmitter(),
    })
    expect(code).toBe(2)
    expect(err).toContain('there is no API key. Set SIMULATOR_API_KEY')
  })
})

describe('an unreachable endpoint', () => {
  it('an unreachable endpoint is reported before the load, with exit code 1', async () => {
    const { code, err } = await load(['--url', await refusingUrl()])
    expect(code).toBe(1)
    expect(err).toMatch(/^Could not reach http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*\. Start the target/)
  })

  it('an endpoint without TLS gets a hint about the scheme', async () => {
    const { url } = await serve((_request, response) => void response.end())
    const { host } = new URL(url)
    const { code, err } = await load(['--url', `https://${host}`])
    expect(code).toBe(1)
    expect(err).toBe(
      `Could not reach https://${host}: TLS failed with "wrong version number". It probably does not use TLS. Set --url to http://${host}.\n`,
    )
  })
})
