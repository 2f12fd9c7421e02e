import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { redactRules } from '../../src/config/redact-rules.ts'
import { isCredentialName } from '../../src/lib/credential-names.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { chatCompletion, json } from '../support/fake-upstream.ts'
import {
  readRecordings,
  recordingFiles,
  recordingPlace,
  startRecording,
  upstreamKey,
} from '../support/recording-simulator.ts'
import { testKey } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'

const place = recordingPlace(json(chatCompletion('Hi')))
const start = (env: Record<string, string> = {}) => startRecording(place, createSystemClock(), env)

const everything = () =>
  recordingFiles(place.dir)
    .map((file) => readFileSync(join(place.dir, file), 'utf8'))
    .join('')

describe('credentials', () => {
  it('are in no file and in no log line', async () => {
    place.upstream.answer = json({ echo: upstreamKey }, 200, {
      'set-cookie': ['session=s3cret', 'other=s3cret'],
      'x-ms-access-token': 's3cret',
      'x-ratelimit-remaining-tokens': '77',
      'azureml-model-session': 'd2026',
    })
    const { post, log } = start({ LOG_LEVEL: 'debug' })
    const response = await post(
      `${path}?sig=s3cret&code=s3cret&api-version=1&subscription-key=s3cret&api-key=s3cret`,
      { messages: [{ role: 'user', content: `my key is ${upstreamKey}` }] },
      {
        cookie: 'a=s3cret',
        'x-functions-key': 's3cret',
        'ocp-apim-subscription-key': 's3cret',
        'x-api-key': 's3cret',
        'x-custom-auth-token': 's3cret',
        'my-secret': 's3cret',
        'x-harmless': 'kept',
      },
    )
    expect(response.headers.getSetCookie()).toHaveLength(2)
    const stored = everything()
    expect(stored).toContain('x-harmless')
    expect(stored).toContain('x-ratelimit-remaining-tokens')
    expect(stored).toContain('azureml-model-session')
    expect(stored).toContain('api-version=1')
    for (const text of [stored, JSON.stringify(log)]) {
      for (const secret of ['s3cret', upstreamKey, testKey]) expect(text).not.toContain(secret)
    }
  })

  it.each([
    ['Authorization', true],
    ['X-Goog-Api-Key', true],
    ['x-vault-token', true],
    ['Client-Cert', true],
    ['x-session-id', true],
    ['x-ratelimit-limit-tokens', false],
    ['x-ms-client-request-id', false],
    ['openai-processing-ms', false],
    ['x-keyword', false],
  ])('are recognized by the name of their header: %s %s', (name, isCredential) => {
    expect(isCredentialName(name, 'header')).toBe(isCredential)
  })
})

describe('RECORDING_REDACT', () => {
  it('removes headers, parameters, JSON fields, texts and patterns from requests, answers and streams', async () => {
    const { post } = start({ RECORDING_REDACT: 'x-tenant, user "Contoso Ltd", /C-\\d{4}/' })
    const body = { user: 'Ann', messages: [{ role: 'user', content: 'Contoso Ltd order C-1234, C-12' }] }
    await post(`${path}?user=Ann`, body, { 'x-tenant': 'Ann' })
    expect(JSON.parse(String(place.upstream.received[0]?.body))).toEqual(body)
    const [stored] = readRecordings(place.dir)
    expect(JSON.parse(String(stored?.request.body))).toEqual({
      user: '[redacted]',
      messages: [{ role: 'user', content: '[redacted] order [redacted], C-12' }],
    })
    expect(stored?.request.uri).toContain('?user=REDACTED')
    expect(everything()).not.toContain('Ann')

    place.upstream.answer = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: {"user":"Ann","text":"C-9999"}\n\n')
    }
    const streamed = await post('/v1/responses', {})
    expect(await streamed.text()).toContain('C-9999')
    const event = readRecordings(place.dir).at(-1)?.response.body.events?.[0]
    expect(event?.data).toBe('{"user":"[redacted]","text":"[redacted]"}')
  })

  it('refuses patterns with unbounded run time', () => {
    const redact = redactRules()
    for (const list of ['/(a+)+$/', '/(a|aa)+$/', '/(a?){9}b/', '/(.*)\\1/', '/(?=a)b/', '/[/', '/a*/', '']) {
      expect([list, redact.schema.safeParse(redact.read(list)).success]).toEqual([list, false])
    }
    for (const list of ['/sk-[A-Za-z0-9]{20,}/', '/(?:key|token)=\\w+/', '"a (b"', 'x-name,other']) {
      expect([list, redact.schema.safeParse(redact.read(list)).success]).toEqual([list, true])
    }
    expect(() => start({ RECORDING_REDACT: '/(a+)+$/' })).toThrow('RECORDING_REDACT')
  })

  it('stores nothing and reports it if a pattern takes too long on a hostile body', async () => {
    const { post, log } = start({ RECORDING_REDACT: '/\\w*\\w*\\w*!/' })
    const startMs = performance.now()
    const response = await post(path, { messages: [{ role: 'user', content: 'a'.repeat(20_000) }] })
    expect(response.status).toBe(200)
    // The full match would take an hour.
    expect(performance.now() - startMs).toBeLessThan(15_000)
    expect(recordingFiles(place.dir)).toEqual([])
    expect(log.find(({ level }) => level === 'error')?.message).toContain('RECORDING_REDACT')
  })
})
