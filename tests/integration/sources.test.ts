import { rmSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { sourceNames } from '../../src/config/source-names.ts'
import { textReply } from '../../src/pipeline/make-reply.ts'
import { advanceUntil } from '../support/advance-until.ts'
import { chatCompletion, chatEvents, eventStream, json } from '../support/fake-upstream.ts'
import { readRecordings, recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import {
  createExtendedSimulator,
  createTestSimulator,
  deploymentPath,
  eventsOf,
  testKey,
  type TestSettings,
} from '../support/test-simulator.ts'

const place = recordingPlace(json(chatCompletion('From the real service')))

/** One deployment for each source. */
const everySource = {
  made: { model: 'gpt-4o', source: 'generate' },
  played: { model: 'gpt-4o', source: 'replay' },
  taped: { model: 'gpt-4o', source: 'record' },
  passed: { model: 'gpt-4o', source: 'forward' },
} as const

const envOf = (mode: string, env: Record<string, string> = {}) => ({
  SIMULATOR_MODE: mode,
  AZURE_OPENAI_ENDPOINT: place.upstream.url,
  AZURE_OPENAI_KEY: upstreamKey,
  RECORDING_DIR: place.dir,
  ...env,
})

const start = (mode = 'generate', settings: TestSettings = {}) => {
  const { env, ...rest } = settings
  return createTestSimulator({ deployments: everySource, ...rest, env: envOf(mode, env) })
}

const chat = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')
const textOf = async (response: Response): Promise<string> => {
  const body = (await response.json()) as { choices: { message: { content: string } }[] }
  return body.choices[0]?.message.content ?? ''
}
const asked = (): string[] => place.upstream.received.map(({ url }) => url)

describe('a deployment with a source', () => {
  it('is answered by that source, whatever the mode', async () => {
    for (const mode of ['generate', 'record', 'replay', 'forward']) {
      const { post } = start(mode)
      expect(await textOf(await post(chatOf('made'), chat))).not.toContain('real service')
      expect(await textOf(await post(chatOf('passed'), chat))).toBe('From the real service')
      expect((await post(chatOf('played'), { ...chat, seed: 7 })).status).toBe(404)
    }
    expect(asked()).toEqual(['record', 'generate', 'replay', 'forward'].map(() => chatOf('passed')))
    expect(readRecordings(place.dir)).toEqual([])
  })

  it('is found by the model in the body or by the path', async () => {
    const { post } = start()
    const response = await post('/openai/v1/chat/completions', { ...chat, model: 'passed' })
    expect(await textOf(response)).toBe('From the real service')
    expect(asked()).toEqual(['/openai/v1/chat/completions'])
  })

  it('does not change the source of other deployments and of requests without a deployment', async () => {
    const forwarding = start('forward')
    await forwarding.app.request('/openai/models?api-version=1', { headers: { 'api-key': testKey } })
    await forwarding.post(chatOf('elsewhere'), chat)
    expect(asked()).toEqual(['/openai/models?api-version=1', chatOf('elsewhere')])
    const generating = start('generate')
    expect((await generating.post('/no/such/path', {})).status).toBe(404)
    expect(await textOf(await generating.post(chatOf('elsewhere'), chat))).not.toContain('real service')
    expect(asked()).toHaveLength(2)
  })

  it('that is not in the table gets no request of a gateway with ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false', async () => {
    const env = { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' }
    for (const mode of ['forward', 'record']) {
      const { post, app } = start(mode, {
        env,
        deployments: { ...everySource, passed: { upstream: 'default/gpt-4o' } },
      })
      const ask = (body: object) => post('/openai/v1/chat/completions', { ...chat, ...body })
      const unknown = await ask({ model: 'elsewhere' })
      expect([unknown.status, await unknown.text()]).toEqual([
        404,
        expect.stringContaining('DeploymentNotFound'),
      ])
      expect((await post(chatOf('elsewhere'), chat)).status).toBe(404)
      expect((await ask({})).status).toBe(400)
      expect((await ask({ model: 5 })).status).toBe(400)
      expect(asked()).toEqual([])
      await ask({ model: 'PASSED-2024-08-06' })
      await app.request('/openai/v1/files', { headers: { 'api-key': testKey } })
      expect(asked().splice(0)).toHaveLength(2)
      place.upstream.received.splice(0)
    }
    const { post } = start('forward', { env })
    expect(await textOf(await post(chatOf('elsewhere'), chat))).toBe('From the real service')
  })

  it('can replay what it recorded before, from the same folder and without a restart', async () => {
    const { post, simulator } = start('generate', { env: { MATCH_ANY_PREFIX: 'off' } })
    await post(chatOf('taped'), chat)
    await simulator.live.patch({ openai_deployments: { taped: { source: 'replay' } } })
    expect(await textOf(await post(chatOf('taped'), chat))).toBe('From the real service')
    expect(asked()).toHaveLength(1)
    expect(readRecordings(place.dir)).toHaveLength(1)
  })

  it('that replays sends a miss to the real service with REPLAY_ON_MISS=record, next to one that records', async () => {
    const { post } = start('generate', { env: { REPLAY_ON_MISS: 'record' } })
    await Promise.all([post(chatOf('played'), chat), post(chatOf('taped'), chat)])
    expect(await textOf(await post(chatOf('played'), chat))).toBe('From the real service')
    expect(asked().toSorted()).toEqual([chatOf('played'), chatOf('taped')])
    expect(readRecordings(place.dir)).toHaveLength(2)
  })

  it('that replays can have its own action for a miss, which overrides REPLAY_ON_MISS', async () => {
    const replayed = { model: 'gpt-4o', source: 'replay' } as const
    const deployments = {
      strict: replayed,
      taped: { ...replayed, onMiss: 'record' },
      passed: { ...replayed, onMiss: 'forward' },
      made: { ...replayed, onMiss: 'generate' },
      refused: { ...replayed, onMiss: 'error' },
    }
    const { post } = start('generate', { deployments })
    const statusOf = async (name: string): Promise<number> => (await post(chatOf(name), chat)).status
    expect(await statusOf('strict')).toBe(404)
    for (const name of ['taped', 'taped', 'passed', 'passed'])
      expect(await textOf(await post(chatOf(name), chat))).toBe('From the real service')
    expect(await textOf(await post(chatOf('made'), chat))).not.toBe('From the real service')
    expect(asked()).toEqual([chatOf('taped'), chatOf('passed'), chatOf('passed')])
    expect(readRecordings(place.dir)).toHaveLength(1)
    const recording = start('generate', { deployments, env: { REPLAY_ON_MISS: 'record' } })
    expect((await recording.post(chatOf('refused'), chat)).status).toBe(404)
    expect(await textOf(await recording.post(chatOf('strict'), chat))).toBe('From the real service')
  })

  it('that records a miss needs no folder at the start', async () => {
    rmSync(place.dir, { recursive: true })
    const { post } = start('generate', {
      deployments: { ci: { model: 'gpt-4o', source: 'replay', onMiss: 'record' } },
    })
    for (let round = 0; round < 2; round++)
      expect(await textOf(await post(chatOf('ci'), chat))).toBe('From the real service')
    expect(asked()).toHaveLength(1)
  })

  it('can change its source at run time; running requests keep their source', async () => {
    const { app, post } = start()
    let answer = (): void => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    place.upstream.answer = async (request, response) => {
      await held
      await json(chatCompletion('From the real service'))(request, response)
    }
    const begun = post(chatOf('passed'), chat)
    await expect.poll(asked).toHaveLength(1)
    const put = (source: string): Promise<Response> =>
      Promise.resolve(
        app.request('/++/deployments/passed', {
          method: 'PUT',
          headers: { 'api-key': testKey, 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'gpt-4o', source }),
        }),
      )
    const changed = await put('generate')
    expect([changed.status, await changed.json()]).toMatchObject([200, { source: 'generate' }])
    expect(await textOf(await post(chatOf('passed'), chat))).not.toContain('real service')
    answer()
    expect(await textOf(await begun)).toBe('From the real service')
    await put('forward')
    expect(await textOf(await post(chatOf('passed'), chat))).toBe('From the real service')
  })

  it('with an unknown source or without the required upstream is refused with the fix', async () => {
    const { simulator } = createTestSimulator({ deployments: { a: { model: 'gpt-4o' } } })
    const problemsOf = async (source: string): Promise<readonly string[]> =>
      (await simulator.live.putDeployment('a', { model: 'gpt-4o', source })).problems
    expect(await problemsOf('proxy')).toEqual([
      `openai_deployments: "a".source must be one of ${sourceNames.join(', ')} (got "proxy"). Leave it out to use SIMULATOR_MODE.`,
    ])
    for (const source of ['forward', 'record']) {
      expect(await problemsOf(source)).toEqual([
        `openai_deployments: "a".source: ${source} needs AZURE_OPENAI_ENDPOINT. Set it to the address of the service.`,
        `openai_deployments: "a".source: ${source} needs AZURE_OPENAI_KEY. Set it to the key of that service.`,
      ])
    }
    expect(() => start('forward', { env: { AZURE_OPENAI_KEY: '' } })).toThrow(
      'SIMULATOR_MODE=forward needs AZURE_OPENAI_KEY. Set it to the key of that service.',
    )
  })

  it('can belong to a named resource only, and its recordings are written and saved', async () => {
    const { post, app, simulator } = createTestSimulator({
      env: envOf('generate', { RECORDING_AUTOSAVE: 'false' }),
      resources: { acme: { deployments: { taped: { model: 'gpt-4o', source: 'record' } } } },
    })
    expect(simulator.config.defaultResource.sources).toEqual(['generate'])
    const headers = { 'api-key': 'acme-key' }
    expect(await textOf(await post(`/acme${chatOf('taped')}`, chat, headers))).toBe('From the real service')
    expect(asked()).toEqual([chatOf('taped')])
    const saved = await app.request('/++/save-recordings', {
      method: 'POST',
      headers: { 'api-key': testKey },
    })
    expect(await saved.json()).toEqual({ saved: 1 })
    expect(readRecordings(place.dir)).toHaveLength(1)
  })

  it('gets the requests that a provisioned deployment spills over to it', async () => {
    const { post } = start('generate', {
      deployments: {
        ptu: { model: 'gpt-4o', provisionedThroughputUnits: 1, spilloverTo: 'spare' },
        spare: { model: 'gpt-4o', source: 'forward' },
      },
    })
    const large = { ...chat, messages: [{ role: 'user', content: 'word '.repeat(60_000) }] }
    await post(chatOf('ptu'), large)
    expect(await textOf(await post(chatOf('ptu'), chat))).toBe('From the real service')
  })
})

describe('a forwarded request', () => {
  it('can have any path and api-version, and streams are returned event by event', async () => {
    const events = chatEvents(['One ', 'two'])
    place.upstream.answer = eventStream(events)
    const { post, app } = start('forward')
    const streamed = await post(deploymentPath('passed', 'chat/completions').replace(/=.*/, '=never'), {
      ...chat,
      stream: true,
    })
    expect([streamed.status, streamed.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ])
    expect(eventsOf(await streamed.text()).at(-1)).toBe('[DONE]')
    place.upstream.answer = json({ deleted: true })
    const headers = { 'api-key': testKey }
    const other = await app.request('/some/other/path?x=1', { method: 'DELETE', headers })
    expect(await other.json()).toEqual({ deleted: true })
    expect(asked()).toEqual([expect.stringContaining('api-version=never'), '/some/other/path?x=1'])
  })

  it('requires the key of the simulator, and is sent with the key of the upstream', async () => {
    const { post } = start('forward')
    expect((await post('/any/path', {}, { 'api-key': 'wrong' })).status).toBe(401)
    await post('/any/path', {})
    expect(place.upstream.received.map(({ headers }) => headers['api-key'])).toEqual([upstreamKey])
  })

  it('counts its tokens in the metrics, whole and streamed', async () => {
    const { post, app } = start()
    await (await post(chatOf('passed'), chat)).text()
    place.upstream.answer = eventStream([
      'data: {"choices":[],"usage":null}\n\n',
      'data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":22,"total_tokens":33}}\n\n',
      'data: [DONE]\n\n',
    ])
    await (await post(chatOf('passed'), { ...chat, stream: true })).text()
    const metrics = await (await app.request('/metrics')).text()
    const used = metrics.split('\n').filter((line) => /^aoai_.*tokens.*passed/.test(line))
    expect(used.join('\n')).toMatch(/type="prompt"\} 16\n.*type="completion"\} 29\n/)
  })

  it('passes the hooks of extensions, which can change the answer', async () => {
    const { post } = await createExtendedSimulator(
      [
        {
          name: 'marks',
          hooks: [
            async (exchange, next) => {
              const reply = await next()
              reply.headers.set('x-source', `${exchange.source} of ${exchange.deployment?.name}`)
              return reply
            },
          ],
        },
      ],
      { deployments: everySource, env: envOf('generate') },
    )
    expect((await post(chatOf('passed'), chat)).headers.get('x-source')).toBe('forward of passed')
    expect((await post(chatOf('made'), chat)).headers.get('x-source')).toBe('generate of made')
  })

  it('is answered by the forwarder of an extension if there is one', async () => {
    const { post } = await createExtendedSimulator(
      [
        {
          name: 'forwarding',
          forwarders: [
            ({ path }) =>
              path.includes('passed') ? { reply: textReply('from the extension'), store: false } : undefined,
          ],
        },
      ],
      { deployments: everySource, env: envOf('generate') },
    )
    expect(await (await post(chatOf('passed'), chat)).text()).toBe('from the extension')
    expect(asked()).toEqual([])
  })

  it('returns the error of the upstream', async () => {
    await place.upstream.close()
    const response = await start('forward').post(chatOf('passed'), chat)
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { error: { code: 'UpstreamRefused' } },
    ])
  })
})

describe.each(['record', 'forward'] as const)(
  'limits, faults and latency of a deployment that %ss',
  (source) => {
    const limited = { model: 'gpt-4o', source, requestsPerMinute: 1, requestsSliceSeconds: 60 } as const

    it('have no effect by default', async () => {
      const { post, clock } = start('generate', {
        deployments: { passed: { model: 'gpt-4o', source } },
        env: { LATENCY_TIME_SCALE: '1', LATENCY_PROFILE: 'auto' },
        faults: [{ probability: 1, fault: 'serverError' }],
        incidents: {
          phases: [{ name: 'all', minutes: 5, faults: [{ probability: 1, fault: 'gatewayError' }] }],
        },
      })
      const startedMs = clock.nowMs()
      const statuses = await Promise.all(
        Array.from(
          { length: 5 },
          async () => (await post(chatOf('passed'), chat, { 'x-sim-fault': 'serverError' })).status,
        ),
      )
      expect(statuses).toEqual([200, 200, 200, 200, 200])
      expect(clock.nowMs()).toBe(startedMs)
      expect(place.upstream.received.every(({ headers }) => headers['x-sim-fault'] === undefined)).toBe(true)
    })

    it('limits of the default deployments have no effect', async () => {
      const { post } = createTestSimulator({ env: envOf(source) })
      for (let i = 0; i < 5; i++) expect((await post(chatOf('whisper'), chat)).status).toBe(200)
    })

    it('limits of the deployment apply', async () => {
      const { post } = start('generate', { deployments: { passed: limited } })
      expect((await post(chatOf('passed'), chat)).status).toBe(200)
      const refused = await post(chatOf('passed'), chat)
      expect([refused.status, asked().length]).toEqual([429, 1])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    })

    it('limits of the deployment file apply in that mode', async () => {
      const { source: _, ...plain } = limited
      const { post } = start(source, { deployments: { passed: plain } })
      expect((await post(chatOf('passed'), chat)).status).toBe(200)
      expect((await post(chatOf('passed'), chat)).status).toBe(429)
      expect((await post(chatOf('elsewhere'), chat)).status).toBe(200)
    })

    it.each([
      ['of the deployment', { deployment: [{ probability: 1, fault: 'serverError' }] }],
      ['that name it', { faults: [{ probability: 1, fault: 'serverError', deployment: 'passed' }] }],
      [
        'of an incident that names it',
        {
          incidents: {
            phases: [
              {
                name: 'p',
                minutes: 5,
                deployment: 'passed',
                faults: [{ probability: 1, fault: 'serverError' }],
              },
            ],
          },
        },
      ],
    ])(
      'faults %s apply',
      async (_, { deployment, ...settings }: { deployment?: object[] } & TestSettings) => {
        const { post } = start('generate', {
          deployments: { passed: { model: 'gpt-4o', source, ...(deployment && { faults: deployment }) } },
          ...settings,
        })
        expect((await post(chatOf('passed'), chat)).status).toBe(500)
        expect(asked()).toEqual([])
      },
    )

    // Advance the virtual clock only after the request has reached the upstream.
    const upstreamIsAsked = () => vi.waitFor(() => expect(asked()).not.toEqual([]))

    it('latency of the deployment applies: an answer takes at least that time, including the time of the real service', async () => {
      const { post, clock } = start('generate', {
        deployments: { passed: { model: 'gpt-4o', source, latency: { firstToken: 300, perToken: 10 } } },
        env: { LATENCY_TIME_SCALE: '1' },
      })
      const startedMs = clock.nowMs()
      const answered = post(chatOf('passed'), chat).then((response) => response.text())
      await upstreamIsAsked()
      await advanceUntil(clock, answered, 5)
      // The answer of the real service has 7 tokens.
      expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(360)
      expect(clock.nowMs() - startedMs).toBeLessThan(2 * 360)
    })

    it('latency of the deployment delays a stream event by event', async () => {
      const events = chatEvents(['One ', 'two ', 'three'])
      place.upstream.answer = eventStream(events)
      const { post, clock } = start('generate', {
        deployments: { passed: { model: 'gpt-4o', source, latency: { firstToken: 300, perToken: 50 } } },
        env: { LATENCY_TIME_SCALE: '1' },
      })
      const startedMs = clock.nowMs()
      const answered = post(chatOf('passed'), { ...chat, stream: true }).then((response) => response.text())
      await upstreamIsAsked()
      expect(await advanceUntil(clock, answered, 5)).toBe(events.join(''))
      const dueMs = 300 + 50 * (events.length - 1)
      expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(dueMs)
      expect(clock.nowMs() - startedMs).toBeLessThan(2 * dueMs)
    })

    it('slots of the deployment limit the concurrent requests to the upstream', async () => {
      let max = 0
      let open = 0
      place.upstream.answer = async (request, response) => {
        max = Math.max(max, ++open)
        await new Promise((resolve) => setTimeout(resolve, 5))
        open--
        await json(chatCompletion('Hi'))(request, response)
      }
      const { post, clock } = start('generate', {
        deployments: {
          passed: {
            model: 'gpt-4o',
            source,
            latency: { concurrency: { slots: 1, queueLength: 10, queueTimeoutMs: 60_000 } },
          },
        },
        env: { LATENCY_TIME_SCALE: '1' },
      })
      const all = Promise.all(
        Array.from({ length: 3 }, async () => (await post(chatOf('passed'), chat)).text()),
      )
      expect(await advanceUntil(clock, all, 5)).toHaveLength(3)
      expect(max).toBe(1)
    })

    const startWithFault = (fault: object | string) =>
      start('generate', {
        deployments: { passed: { model: 'gpt-4o', source, faults: [{ probability: 1, fault }] } },
        env: { LATENCY_TIME_SCALE: '1' },
      })
    const streamOf = (post: ReturnType<typeof start>['post']) =>
      post(chatOf('passed'), { ...chat, stream: true }).then((response) => response.text())

    it('a delay delays a stream as a whole', async () => {
      const events = chatEvents(['One ', 'two'])
      place.upstream.answer = eventStream(events)
      const { post, clock } = startWithFault({ kind: 'delay', ms: 400 })
      const startedMs = clock.nowMs()
      expect(await advanceUntil(clock, streamOf(post), 10)).toBe(events.join(''))
      expect(clock.nowMs() - startedMs).toBeGreaterThanOrEqual(400)
    })

    it('faults within a stream are applied at the configured event', async () => {
      const events = chatEvents(['One ', 'two ', 'three '])
      place.upstream.answer = eventStream(events)
      const { post, clock } = startWithFault({ kind: 'truncate', afterEvents: 2 })
      expect(await advanceUntil(clock, streamOf(post), 10)).toBe(events.slice(0, 2).join(''))
      const broken = startWithFault({ kind: 'errorEvent', afterEvents: 1 })
      const text = await advanceUntil(broken.clock, streamOf(broken.post), 10)
      expect(text.startsWith(events[0] ?? '')).toBe(true)
      expect(eventsOf(text).at(-1)).toContain('"error"')
      expect(readRecordings(place.dir)).toHaveLength(source === 'record' ? 2 : 0)
    })
  },
)
