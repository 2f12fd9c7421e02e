import { EventEmitter } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/run.ts'
import { RetryAnalyzer } from '../../src/journal/retry-analyzer.ts'
import { retryReportJson } from '../../src/journal/journal-json.ts'
import { addToTotals, byFindings, emptyTotals, reportClient } from '../../src/journal/retry-report.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const closers: (() => void)[] = []
afterEach(() => closers.splice(0).forEach((close) => close()))

/** Server that answers like a simulator for the key `secret`, and records the requests. */
const serve = async (status: number, body: unknown) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const isKnown = request.headers['api-key'] === 'secret'
    response.writeHead(isKnown ? status : 401, { 'content-type': 'application/json' })
    response.end(typeof body === 'string' ? body : JSON.stringify(isKnown ? body : {}))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const call = async (
  argv: readonly string[],
  env: Record<string, string> = { SIMULATOR_API_KEY: 'secret' },
) => {
  let out = ''
  let err = ''
  const workingDirectory = mkdtempSync(join(tmpdir(), 'aoai-check-'))
  const code = await run({
    argv: ['check', 'retries', ...argv],
    env,
    workingDirectory,
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    signals: new EventEmitter(),
  })
  return { code, out, err }
}

type Step = readonly [client: string, startedMs: number, request: string, status?: number, toldMs?: number]

/** The report for a series of requests. */
const reportOf = (steps: readonly Step[], resource = 'default') => {
  const analyzer = new RetryAnalyzer()
  for (const [index, [client, startedMs, request, status, toldMs]] of steps.entries()) {
    const judged = {
      id: index + 1,
      client,
      resource,
      deployment: 'chat',
      startedMs,
      attempt: undefined,
    }
    const { fail } = analyzer.analyze({ ...judged, fingerprint: () => request })
    if (status !== undefined) fail({ status: String(status), endedMs: startedMs, toldMs })
  }
  const clients = Array.from(analyzer.clients, reportClient).sort(byFindings)
  const totals = clients.reduce(addToTotals, emptyTotals)
  const isoTime = (ms: number) => new Date(ms).toISOString()
  return retryReportJson({ since: isoTime(0), clients, totals, isoTime })
}

const calm: readonly Step[] = [
  ['calm', 0, 'a', 429, 1_000],
  ['calm', 1_001.5, 'a'],
]
const hasty: readonly Step[] = [
  ['hasty', 0, 'a', 429, 1_500],
  ['hasty', 100, 'a', 400],
  ['hasty', 200, 'a'],
]
const together: readonly Step[] = Array.from({ length: 24 }, (_, index): Step =>
  index < 12 ? ['crowd', index * 50, `r${index}`, 503] : ['crowd', 9_000 + index, `r${index - 12}`],
)

describe('aoai-sim check retries', () => {
  it('reports that nothing is wrong', async () => {
    const { url, asked } = await serve(200, reportOf(calm))
    expect(await call(['--url', url, '--fail-on', 'early,forbidden,herds'])).toEqual({
      code: 0,
      err: '',
      out: `client  requests  failures  retries  early  forbidden  herds  worst shortfall
calm           2         1        1      0          0      0                -

No problems in 1 retry (2 requests of 1 client since 1970-01-01T00:00:00.000Z).
`,
    })
    expect(asked).toEqual(['/++/retry-report'])
  })

  it('shows findings, and fails only with --fail-on', async () => {
    const { url } = await serve(200, reportOf([...calm, ...hasty, ...together]))
    const { code, out, err } = await call(['--url', `${url}/`])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toBe(`client  requests  failures  retries  early  forbidden  herds  worst shortfall
hasty          3         2        2      1          1      0         1,400 ms
crowd         24        12       12      0          0      1                -
calm           2         1        1      0          0      0                -

hasty: 1 of 2 retries came early; request 4 repeated request 3 after 100 ms of 1,500 ms.
hasty: 1 retry of errors that a retry cannot fix; request 5 repeated request 4, answered with 400.
hasty: retries waited 100 ms to 100 ms, median 100 ms.

crowd: 1 herd; the largest was 12 retries to chat at 1970-01-01T00:00:09.023Z, after failures within 550 ms.
crowd: retries waited 8,473 ms to 9,012 ms, median 8,696 ms.

Found in 15 retries: 1 early, 1 forbidden, 1 herd (29 requests of 3 clients since 1970-01-01T00:00:00.000Z).
`)
  })

  it('selects a resource, and names it with the client', async () => {
    const { url, asked } = await serve(200, reportOf([...hasty, ...together], 'acme'))
    const { code, out } = await call(['--url', url, '--resource', 'acme'])
    expect(code).toBe(0)
    expect(out).toMatch(/^acme: hasty +3 +2 +2 +1 +1 +0 +1,400 ms$/m)
    expect(out).toContain('\nacme: hasty: 1 of 2 retries came early;')
    expect(out).toContain('the largest was 12 retries to acme/chat at')
    expect(asked).toEqual(['/++/retry-report?resource=acme'])
  })

  it.each([
    ['early', hasty, 'by up to 1,400 ms. Let the client wait for retry-after-ms'],
    ['forbidden', hasty, 'Let the client retry 408, 409, 429 and 500 and above only.'],
    ['herds', together, 'Let the client add a random time to each wait'],
    ['early, herds', hasty, 'retry-after-ms'],
  ])('exits with code 1 for --fail-on %s and says what to fix', async (failOn, steps, fix) => {
    const { url } = await serve(200, reportOf(steps))
    const { code, err } = await call(['--url', url, '--fail-on', failOn])
    expect(code).toBe(1)
    expect(err).toContain('Could not pass the check of retries (--fail-on')
    expect(err).toContain(fix)
    expect(err.trim().split('\n')).toHaveLength(2)
  })

  it('succeeds when it found only other kinds', async () => {
    const { url } = await serve(200, reportOf(together))
    expect(await call(['--url', url, '--fail-on', 'early,forbidden'])).toMatchObject({ code: 0, err: '' })
  })

  it('prints the report as JSON unchanged', async () => {
    const report = reportOf(hasty)
    const { url } = await serve(200, report)
    const { out } = await call(['--url', url, '--json'])
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(report)))
  })

  it('escapes client names before they reach the terminal', async () => {
    const { url } = await serve(200, reportOf([['\u001b[2Jx', 0, 'a']]))
    expect((await call(['--url', url])).out).toContain('?[2Jx')
  })

  it('shows twenty clients and counts the rest', async () => {
    const many = Array.from({ length: 25 }, (_, index): Step => [`client-${index}`, 0, 'a'])
    const { url } = await serve(200, reportOf(many))
    const { out } = await call(['--url', url])
    expect(out.match(/^client-/gm)).toHaveLength(20)
    expect(out).toContain('5 more clients: see them all with --json.')
    expect(out).toContain('No retries in 25 requests of 25 clients')
  })

  it('reads the key from the flag or from .env', async () => {
    const { url } = await serve(200, reportOf([]))
    expect((await call(['--url', url, '--api-key', 'secret'], {})).code).toBe(0)
    const workingDirectory = mkdtempSync(join(tmpdir(), 'aoai-check-'))
    writeFileSync(join(workingDirectory, '.env'), 'SIMULATOR_API_KEY=secret\n')
    const sink = { write: () => true }
    const host = { env: {}, workingDirectory, stdout: sink, stderr: sink, signals: new EventEmitter() }
    expect(await run({ ...host, argv: ['check', 'retries', '--url', url] })).toBe(0)
  })

  it.each([
    ['a wrong key', 200, {}, { SIMULATOR_API_KEY: 'wrong' }, 'the simulator rejects the key (got 401)'],
    ['no journal', 400, { error: { code: 'JournalOff' } }, undefined, 'Start it with JOURNAL_SIZE=10000'],
    ['another server', 404, '<html>', undefined, 'it is not a retry report (got 404)'],
    ['another answer', 200, { clients: 1 }, undefined, 'it is not a retry report (got 200)'],
  ])('says what to do about %s', async (_, status, body, env, message) => {
    const { url } = await serve(status, body)
    const { code, err } = await call(['--url', url], env)
    expect(code).toBe(1)
    expect(err).toContain(`Could not read ${url}/++/retry-report: `)
    expect(err).toContain(message)
  })

  it('says what to do when nothing listens at the address', async () => {
    const url = await refusingUrl()
    const { code, err } = await call(['--url', url])
    expect(code).toBe(1)
    expect(err).toContain(`Could not reach a simulator at ${url}: connect ECONNREFUSED`)
  })

  it.each([
    [['--fail-on', 'late'], 'Give one or more of early, forbidden, herds'],
    [['--fail-on', ','], 'Give one or more of early, forbidden, herds'],
    [['--url', 'localhost'], 'Give an address such as http://127.0.0.1:8000, without user and password.'],
    [['--url', 'ftp://x'], 'Give an address such as http://127.0.0.1:8000, without user and password.'],
    [['extra'], 'too many arguments'],
  ])('exits with code 2 for %j', async (argv, message) => {
    const { code, err } = await call(argv)
    expect(code).toBe(2)
    expect(err).toContain(message)
  })

  it('exits with code 2 without a key', async () => {
    const { code, err } = await call([], {})
    expect(code).toBe(2)
    expect(err).toContain('Could not read the retry report: there is no key. Set SIMULATOR_API_KEY')
  })
})

describe('the key that aoai-sim check retries sends', () => {
  it.each([
    ['ADMIN_API_KEY, before that of callers', [], { SIMULATOR_API_KEY: 'no', ADMIN_API_KEY: 'secret' }],
    ['--admin-api-key', ['--admin-api-key', 'secret'], { SIMULATOR_API_KEY: 'no' }],
    ['--api-key, before the variables', ['--api-key', 'secret'], { ADMIN_API_KEY: 'no' }],
  ] as const)('can be %s', async (_, flags, env) => {
    const { url } = await serve(200, reportOf([]))
    expect(await call(['--url', url, ...flags], env)).toMatchObject({ code: 0, err: '' })
  })
})
