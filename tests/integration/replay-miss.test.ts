import { describe, expect, it } from 'vitest'
import { leastMs } from '../support/machine-speed.ts'
import { cassette, cassetteItem, recordingFolder, warmUp } from '../support/recording-folder.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/openai/v1/chat/completions'
const ask = (content: string, more: object = {}) =>
  JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }], max_tokens: 5, ...more })

const replaying = (items: readonly string[], env: Record<string, string> = {}) => {
  const dir = recordingFolder({ 'a.yaml': cassette(...items) })
  return { dir, ...createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...env } }) }
}

const missOf = async (response: Response) =>
  (await response.json()) as {
    error: {
      code: string
      message: string
      first_difference?: object
      would_match?: string
      nearest?: { place: string }
    }
  }

describe('a request without a recording', () => {
  const items = [ask('Hello'), ask('What is the weather?'), ask('Hello', { user: 'a' })].map((body) =>
    cassetteItem(body, '{}', path),
  )

  it('gets a 404 that clients do not retry, with the nearest recording and the first difference', async () => {
    const { post, dir } = replaying(items)
    const response = await post(path, ask('What is the whether?'))
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([404, 'false'])
    const { error } = await missOf(response)
    expect(error).toMatchObject({
      code: 'RecordingNotFound',
      nearest: { place: `${dir}/a.yaml:18` },
      first_difference: {
        at: 'messages[0].content',
        requested: '"What is the whether?"',
        recorded: '"What is the weather?"',
      },
    })
    expect(error.message).toMatch(
      / Set REPLAY_ON_MISS=record to record this request\. To get that recording instead: Send messages\[0\]\.content as recorded\.$/,
    )
  })

  it.each([
    [{ messages: [{ role: 'user', content: 'a' }] }, { messages: [{ role: 'user', content: 'b' }] }],
    [
      { messages: [{ content: [{ type: 'text', text: 'a' }] }] },
      { messages: [{ content: [{ type: 'text', text: 'b' }] }] },
    ],
    [{ messages: [{ role: 'user' }] }, { messages: [{ role: 'user' }, { role: 'user' }] }],
    [{ input: 'a' }, { input: 'b' }],
    [{ input: [{ content: 'a' }] }, { input: [{ content: 'b' }] }],
    [{ prompt: ['a'] }, { prompt: ['b'] }],
    [{ instructions: 'a' }, { instructions: 'b' }],
    [{ messages: [{ id: 'a' }] }, { messages: [{ id: 'b' }] }],
    [{ messages: [{ name: 'a' }] }, { messages: [{ name: 'b' }] }],
    [{ messages: [{ role: 'user' }] }, { messages: [{ role: 'developer' }] }],
    [{ prompt: { variables: { city: 'a' } } }, { prompt: { variables: { city: 'b' } } }],
    [{ input: [{ file_id: 'a' }] }, { input: [{ file_id: 'b' }] }],
    [{ requests: [{ body: { messages: ['a'] } }] }, { requests: [{ body: { messages: ['b'] } }] }],
    [{ items: [{ content: 'a' }] }, { items: [{ content: 'b' }] }],
    [{ tools: [{ function: { description: 'a' } }] }, { tools: [{ function: { description: 'b' } }] }],
  ])('never gets the advice to ignore the prompt: %j', async (recorded, requested) => {
    const { post } = replaying([cassetteItem(JSON.stringify(recorded), '{}', path)])
    const { error } = await missOf(await post(path, JSON.stringify(requested)))
    expect(error.message).not.toContain('MATCH_IGNORE_FIELDS')
    expect(error.message).toContain('REPLAY_ON_MISS=record')
  })

  it.each([
    [{ user: 'a' }, { user: 'b' }, 'user'],
    [{ prompt_cache_key: 'a' }, { prompt_cache_key: 'b' }, 'prompt_cache_key'],
  ])('gets the advice to ignore fields that can differ each time: %j', async (recorded, requested, field) => {
    const { post } = replaying([cassetteItem(JSON.stringify(recorded), '{}', path)])
    const { error } = await missOf(await post(path, JSON.stringify(requested)))
    expect(error.message.indexOf('REPLAY_ON_MISS=record')).toBeLessThan(
      error.message.indexOf(`MATCH_IGNORE_FIELDS=${field} `),
    )
  })

  it.each([
    ['a time', { input: 'It is 10:00:00' }, { input: 'It is 10:00:01' }, 'MATCH_NORMALIZE=timestamps'],
    [
      'an id',
      { messages: [{ role: 'tool', tool_call_id: 'a' }] },
      { messages: [{ role: 'tool', tool_call_id: 'b' }] },
      'MATCH_NORMALIZE=ids',
    ],
    [
      'a key order',
      { input: [{ arguments: '{"a":1,"b":2}' }] },
      { input: [{ arguments: '{"b":2,"a":1}' }] },
      'MATCH_NORMALIZE=json-strings',
    ],
    [
      'an empty field',
      { messages: [{ role: 'assistant', content: 'a', refusal: null }] },
      { messages: [{ role: 'assistant', content: 'a' }] },
      'MATCH_NORMALIZE=empty-fields',
    ],
    [
      'an address and a time',
      { input: 'http://localhost:1 on 2026-11-30', user: 'a' },
      { input: 'http://localhost:2 on 2026-12-01', user: 'a' },
      'MATCH_NORMALIZE=timestamps,local-urls',
    ],
    [
      'a context message',
      { messages: [{ role: 'user', content: 'a' }] },
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'system', content: 'b' },
        ],
      },
      'MATCH_CONVERSATION=prefix',
    ],
    [
      'a time and a context message',
      { messages: [{ role: 'user', content: 'at 10:00:00' }] },
      {
        messages: [
          { role: 'user', content: 'at 11:00:00' },
          { role: 'system', content: 'b' },
        ],
      },
      'MATCH_NORMALIZE=timestamps and MATCH_CONVERSATION=prefix',
    ],
  ])(
    'that differs only in %s gets the setting, after the advice to record it',
    async (_, recorded, requested, setting) => {
      const items = [JSON.stringify(recorded).replace(/[a-z]/, 'z'), JSON.stringify(recorded)]
      const { post } = replaying(items.map((body) => cassetteItem(body, '{}', path)))
      const { error } = await missOf(await post(path, JSON.stringify(requested)))
      expect(error.message).toMatch(
        / Set REPLAY_ON_MISS=record to record this request\. To get that recording instead: Set \S+( and \S+)?, because the requests are equal otherwise\.$/,
      )
      expect(error.would_match).toBe(`Set ${setting}, because the requests are equal otherwise.`)
      const env = Object.fromEntries(
        setting.split(' and ').map((pair) => pair.split('=') as [string, string]),
      )
      const { post: postAgain } = replaying([cassetteItem(JSON.stringify(recorded), '{}', path)], env)
      expect((await postAgain(path, JSON.stringify(requested))).status).toBe(200)
    },
  )

  it('gets only the normalizers that it needs, with those that are set', async () => {
    const { post } = replaying(
      [cassetteItem(JSON.stringify({ input: '10:00:00 call_abcdefgh1' }), '{}', path)],
      {
        MATCH_NORMALIZE: 'boundaries,ids',
      },
    )
    const { error } = await missOf(await post(path, JSON.stringify({ input: '10:00:01 call_abcdefgh2' })))
    expect(error.would_match).toContain('Set MATCH_NORMALIZE=timestamps,ids,boundaries,')
  })

  it('that continues a recorded conversation gets the first message that is not recorded', async () => {
    const messages = [{ role: 'user', content: 'a' }]
    const { post } = replaying([cassetteItem(JSON.stringify({ messages }), '{}', path)])
    const longer = [...messages, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }]
    const { error } = await missOf(await post(path, JSON.stringify({ messages: longer })))
    expect(error.first_difference).toMatchObject({ at: 'messages[1]', recorded: 'nothing' })
    expect(error.would_match).toBe('Send it without messages[1].')
  })

  it.each([
    ['with a content type', true],
    ['without a content type', false],
  ])('and a recorded form %s get the field that differs', async (_, hasType) => {
    const form = (boundary: string, model: string): string =>
      ['model', model, 'language', 'en']
        .map((text, index) =>
          index % 2
            ? `${text}\r\n`
            : `--${boundary}\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n`,
        )
        .join('')
        .concat(`--${boundary}--\r\n`)
    const type = (boundary: string) => ({ 'content-type': `multipart/form-data; boundary=${boundary}` })
    const body = JSON.stringify(form('b1', 'whisper-1'))
    const item = cassetteItem('{}', 'recorded', path)
      .replace("body: '{}'", `body: ${body}`)
      .replace('application/json', hasType ? type('b1')['content-type'] : '""')
    const { post } = replaying([hasType ? item : item.replace(/    headers:\n.*\n.*\n/, '    headers: {}\n')])
    expect(await (await post(path, form('b2', 'whisper-1'), type('b2'))).text()).toBe('recorded')
    const { error } = await missOf(await post(path, form('b2', 'gpt-4o-transcribe'), type('b2')))
    expect(error.first_difference).toMatchObject({ at: 'form field model' })
    expect(error.message).toContain('the request has "...')
    expect(error.would_match).toBe('Send model as recorded.')
  })

  it('gets a content-type difference for the same bytes', async () => {
    const { post } = replaying([cassetteItem('abc', '{}', path)])
    const { error } = await missOf(
      await post(path, 'abc', { 'content-type': 'multipart/form-data; boundary=x' }),
    )
    expect(error.message).toContain('They first differ in header content-type')
    expect(error.first_difference).toMatchObject({ recorded: 'application/json' })
  })

  it('gets a short answer for names and paths of any length', async () => {
    const { post } = replaying(items)
    const long = await post(path, JSON.stringify({ model: 'gpt-4o-mini', ['k'.repeat(200_000)]: 1 }))
    expect((await long.text()).length).toBeLessThan(3_000)
    const far = await post(`/${'p'.repeat(10_000)}`, '{}')
    expect((await far.text()).length).toBeLessThan(3_000)
  })

  it('gets the missing field and the setting to ignore it', async () => {
    const { post } = replaying([items[2] ?? ''])
    const { error } = await missOf(await post(path, ask('Hello')))
    expect(error.first_difference).toEqual({ at: 'user', requested: 'nothing', recorded: '"a"' })
    const ignoring = replaying([items[2] ?? ''], { MATCH_IGNORE_FIELDS: 'user' })
    expect((await ignoring.post(path, ask('Hello'))).status).toBe(200)
  })

  it.each([
    ['another path', '/openai/v1/chat/completion', 'path', 'Send it to /openai/v1/chat/completions'],
    ['a path with a prefix', `/gateway${path}`, 'path', 'MATCH_ANY_PREFIX=on'],
  ])('gets advice for %s', async (_, wrong, at, advice) => {
    const { post } = replaying(items)
    const { error } = await missOf(await post(wrong, ask('Hello')))
    expect(error).toMatchObject({ first_difference: { at } })
    expect(error.would_match).toContain(advice)
  })

  it('gets other criteria that differ', async () => {
    const { post } = replaying(items, { MATCH_HEADERS: 'X-Team', MATCH_HOST: 'off' })
    const { error } = await missOf(await post(path, ask('Hello'), { 'x-team': 'one' }))
    expect(error.first_difference).toEqual({ at: 'header x-team', requested: 'one', recorded: 'nothing' })
  })

  it('gets a message when there is no recording', async () => {
    const { post, log } = replaying([])
    const { error } = await missOf(await post(path, ask('Hello')))
    expect(error.message).toContain('There is nothing to compare it with in ')
    expect(log.some(({ message }) => message.includes('Nothing can be replayed.'))).toBe(true)
  })

  it('is answered quickly among many recordings', async () => {
    const many = Array.from({ length: 3_000 }, (_, n) => cassetteItem(ask(`Question ${n}`), '{}', path))
    const { post } = replaying(many)
    const missTwenty = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) expect((await post(path, ask(`Question ${n}?`))).status).toBe(404)
    }
    expect(await leastMs(4_000, missTwenty)).toBeLessThan(4_000)
  })

  it.each(['', 'null', '"text"', '[]', '{', '\0', '['.repeat(70_000)])(
    'gets its 404 whatever its body is: %#',
    async (body) => {
      const { post } = replaying(items)
      expect((await post(path, body)).status).toBe(404)
    },
  )
})

describe('REPLAY_ON_MISS=generate', () => {
  const recorded = cassetteItem(ask('Hello'), 'x', path)
    .replace(
      "string: 'x'",
      "events:\n      - at_ms: 300\n        data: 'a'\n      - at_ms: 400\n        data: 'b'\n      - at_ms: 500\n        data: 'c'",
    )
    .replace('    status:', '    duration_ms: 500\n    status:')

  it('answers with generated text at the speed of similar recordings', async () => {
    const { post, clock } = replaying([recorded], { REPLAY_ON_MISS: 'generate', LATENCY_TIME_SCALE: '1' })
    await warmUp(post(path, ask('Something')), clock)
    let answered = false
    const answer = post(path, ask('Something else')).then(async (response) => {
      answered = true
      return [response.status, await response.text()] as const
    })
    // First token after 300 ms, then 200 ms for 3 events: 5 tokens end at 300 + 4 x 66.7 ms.
    await clock.advance(560)
    expect(answered).toBe(false)
    await clock.advance(20)
    const [status, text] = await answer
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({ usage: { completion_tokens: 5 } })
  })

  it('answers 404 for requests that generate mode does not support either', async () => {
    const { post } = replaying([recorded], { REPLAY_ON_MISS: 'generate' })
    expect((await missOf(await post('/no/such/path', '{}'))).error.code).toBe('RecordingNotFound')
  })
})

describe('REPLAY_ON_MISS=record', () => {
  it('does not start without an upstream', () => {
    expect(() => replaying([], { REPLAY_ON_MISS: 'record' })).toThrow(/AZURE_OPENAI_ENDPOINT/)
  })

  it('replays what was just recorded', async () => {
    const { post, simulator } = replaying([cassetteItem(ask('Hello'), '{}', path)])
    expect((await post(path, ask('New'))).status).toBe(404)
    simulator.recordings[0]?.replay?.add({
      request: {
        method: 'POST',
        uri: `https://x${path}`,
        headers: [],
        body: Buffer.from(ask('New')),
        bodyHash: undefined,
      },
      response: {
        status: { code: 201, message: undefined },
        headers: [],
        body: { kind: 'bytes', bytes: Buffer.from('new') },
        durationMs: undefined,
      },
      contextValues: {},
    })
    expect((await post(path, ask('New'))).status).toBe(201)
  })
})

describe('unused recordings', () => {
  it('are listed with their positions at the end', async () => {
    const { post, simulator, dir } = replaying([1, 2, 3].map((n) => cassetteItem(`{"n":${n}}`, '{}', path)))
    await post(path, '{"n":2}')
    expect(simulator.recordings[0]?.replay?.unused()).toEqual([`${dir}/a.yaml:2`, `${dir}/a.yaml:34`])
  })
})

describe('REPLAY with redacted recordings', () => {
  it('matches a request with a secret that was redacted in the recording', async () => {
    const secret = cassetteItem(ask('[redacted]'), '{}', path)
    const { post } = replaying([secret], { RECORDING_REDACT: '/hunter[0-9]/' })
    expect((await post(path, ask('hunter2'))).status).toBe(200)
  })
})
