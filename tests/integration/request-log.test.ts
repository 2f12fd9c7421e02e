import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import { LiveConfig, loadLiveConfig } from '../../src/config/live-config.ts'
import { createTextLogger } from '../../src/lib/logger.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { type TestResource, withResources } from '../support/resource-inputs.ts'
import { silentLogger } from '../support/test-logger.ts'

const deployments = JSON.stringify({
  chat: { model: 'gpt-4o', tokensPerMinute: 30, requestsPerMinute: 600 },
  free: { model: 'gpt-4o' },
})

const setUp = (
  env: Record<string, string> = {},
  look: { format?: 'text' | 'json'; hasColor?: boolean } = {},
  resources: Readonly<Record<string, TestResource>> = {},
) => {
  const lines: string[] = []
  const loaded = loadLiveConfig({
    flags: {},
    env: {
      SIMULATOR_API_KEY: 'the-key',
      LATENCY_TIME_SCALE: '0',
      OPENAI_DEPLOYMENT_CONFIG_PATH: 'd.json',
      ...env,
    },
    workingDirectory: '/',
    readFile: (path) => (path.endsWith('d.json') ? deployments : ''),
  })
  const live = new LiveConfig(withResources(loaded.inputs, resources))
  const simulator = assembleSimulator(live, {
    clock: createVirtualClock(),
    logger: silentLogger,
    requestLog: { format: 'text', hasColor: false, ...look, write: (line) => lines.push(line) },
  })
  const app = createApp(simulator)
  const ask = async (path: string, body: object | string = hello, key = 'the-key') => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const headers = { 'api-key': key, 'content-type': 'application/json' }
    const response = await app.request(path, { method: 'POST', headers, body: text })
    await response.text()
    return lines.at(-1) ?? ''
  }
  return { ask, lines, app }
}
const hello = { model: 'free', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 12 }
const chat = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'

describe('the log line of a request', () => {
  it('has time, request, status, deployment, tokens, milliseconds and source', async () => {
    const { ask } = setUp()
    expect(await ask('/openai/v1/chat/completions')).toMatch(
      /^\d\d:\d\d:\d\d {2}POST {2}\/openai\/v1\/chat\/completions {2}200 {2}free {2}8\+12 tokens {2}0 ms {2}generated {2}[\da-f-]{36}\n$/,
    )
    expect(await ask('/openai/v1/chat/completions', { ...hello, stream: true })).toContain('  8+12 tokens  ')
  })

  it('names the resource of the deployment', async () => {
    const resources = { acme: { deployments: { chat: { model: 'gpt-4o' } } } }
    const asked = '/acme/openai/deployments/chat/chat/completions?api-version=2024-10-21'
    expect(await setUp({}, {}, resources).ask(asked, hello, 'acme-key')).toContain(
      '  200  acme/chat  8+12 tokens  ',
    )
    const { ask } = setUp({}, { format: 'json' }, resources)
    expect(JSON.parse(await ask(asked, hello, 'acme-key'))).toMatchObject({
      resource: 'acme',
      deployment: 'chat',
    })
    expect(JSON.parse(await ask(chat))).not.toHaveProperty('resource')
  })

  it('is in the log ring as well', async () => {
    const { ask, app } = setUp({ ADMIN_API_KEY: 'admin-key' })
    for (let times = 0; times < 3; times++) await ask(chat)
    const response = await app.request('/++/logs?event=request', { headers: { 'api-key': 'admin-key' } })
    const { logs } = (await response.json()) as { logs: object[] }
    expect(logs).toHaveLength(3)
    expect(logs[0]).toMatchObject({
      level: 'warn',
      event: 'request',
      message: `POST ${chat} was answered with 429.`,
      resource: 'default',
      deployment: 'chat',
      status: 429,
      fields: { answer: 'limit of tokens' },
    })
    expect(logs[2]).toMatchObject({ level: 'info', status: 200, fields: { completionTokens: 12 } })
  })

  it('names the limit that refused the request', async () => {
    const { ask, lines } = setUp()
    for (let times = 0; times < 3; times++) await ask(chat)
    expect(lines.at(-1)).toMatch(/ {2}429 {2}chat {2}0 ms {2}limit of tokens {2}[\da-f-]{36}\n$/)
  })

  it('is written for refused requests and unknown paths', async () => {
    const { ask } = setUp()
    expect(await ask(chat, hello, 'wrong')).toMatch(/ 401 .* refused: unknown-key {2}[\da-f-]{36}\n$/)
    expect(await ask('/no/such/path')).toMatch(/ 404 {2}0 ms {2}refused {2}[\da-f-]{36}\n$/)
  })

  it('contains no secret', async () => {
    const { ask, lines } = setUp()
    await ask('/v1/chat/completions?sig=first&code=second&x=the-key&subscription-key=third')
    await ask('/the-key/v1/chat/completions?api_key=fourth')
    expect(lines.join('')).not.toMatch(/the-key|first|second|third|fourth/)
    expect(lines[0]).toContain('?sig=REDACTED&code=REDACTED&x=REDACTED&')
  })

  it('contains no encoded secret and no part of one at its end', async () => {
    const key = `k+/${'Ab1'.repeat(40)}=`
    const { ask, lines } = setUp({
      CONFIG_STORE: `blob:https://acct.blob.core.windows.net/c/n?sig=${encodeURIComponent(key)}`,
    })
    const once = encodeURIComponent(key)
    const forms = [once, once.replaceAll(/%../g, (digits) => digits.toLowerCase()), encodeURIComponent(once)]
    for (const form of forms) {
      await ask(`/openai/deployments/${form}/chat/completions?api-version=2024-10-21`)
      await ask(`/${form}${form}${form}${form}`)
    }
    expect(lines).toHaveLength(6)
    expect(lines.join('')).not.toContain('Ab1Ab1')
  })

  it('has a bounded length and no control characters', async () => {
    const { ask, lines } = setUp()
    await ask(`/${'a'.repeat(5_000)}?${'b'.repeat(5_000)}`)
    await ask('/openai/v1/chat/completions', { ...hello, model: `\u001b[2J\n${'n'.repeat(500)}` })
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      expect(line.length).toBeLessThan(300)
      expect(line.slice(0, -1)).toMatch(/^[\x20-\x7e]+$/)
    }
  })

  it('is JSON if the log format is JSON', async () => {
    const { ask } = setUp({}, { format: 'json' })
    expect(JSON.parse(await ask('/openai/v1/chat/completions'))).toMatchObject({
      level: 'info',
      method: 'POST',
      path: '/openai/v1/chat/completions',
      status: 200,
      deployment: 'free',
      promptTokens: 8,
      completionTokens: 12,
      answer: 'generated',
    })
  })

  it('has colors only if they are on', async () => {
    expect(await setUp().ask(chat)).not.toContain('\u001b')
    expect(await setUp({}, { hasColor: true }).ask(chat)).toContain('\u001b[32m200\u001b[0m')
  })

  it('names the recording, or a miss', async () => {
    const dir = recordingFolder({ 'a.yaml': cassette(cassetteItem('{"q":1}', '{"a":1}')) })
    const env = { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir }
    const { ask } = setUp(env)
    expect(await ask('/v1/chat/completions', '{"q":1}')).toMatch(/ 200 .* {2}a\.yaml:2 {2}[\da-f-]{36}\n$/)
    expect(await ask('/v1/chat/completions', '{"q":2}')).toMatch(/ 404 .* {2}no recording {2}[\da-f-]{36}\n$/)
    const generating = setUp({ ...env, REPLAY_ON_MISS: 'generate' })
    expect(await generating.ask('/v1/chat/completions')).toMatch(
      / 200 .* {2}generated: no recording {2}[\da-f-]{36}\n$/,
    )
  })
})

describe('the log for terminals', () => {
  const logged = (hasColor: boolean) => {
    const lines: string[] = []
    const logger = createTextLogger('info', hasColor, (text) => lines.push(text))
    return { logger, lines }
  }

  it('has time, level, message and fields, and a stack on separate lines', () => {
    const { logger, lines } = logged(false)
    logger.debug({}, 'hidden')
    logger.info({ files: 5, names: ['a'] }, 'Loaded.')
    logger.error({ err: 'Error: x\n    at y' }, 'Failed.')
    expect(lines).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d {2}info {3}Loaded\. {2}files=5 {2}names=\["a"\]\n$/),
      expect.stringMatching(/^\d\d:\d\d:\d\d {2}error {2}Failed\.\nError: x\n {4}at y\n$/),
    ])
  })

  it('escapes control characters from clients', () => {
    const { logger, lines } = logged(true)
    logger.warn({ path: '\u001b[2J' }, 'Odd \u001b]0;x\u0007.')
    const text = (lines[0] ?? '').trimEnd()
    const own = text.match(/\p{Cc}(\[\d+m)?/gu) ?? []
    expect(own.map((found) => found.slice(1))).toEqual(['[2m', '[0m', '[33m', '[0m'])
  })
})
