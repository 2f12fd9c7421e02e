import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { json } from '../support/fake-upstream.ts'
import { readRecordings, recordingPlace } from '../support/recording-simulator.ts'
import {
  createExtendedSimulator,
  testKey,
  type TestSettings,
  type TestSimulator,
} from '../support/test-simulator.ts'
import { refusingUrl } from '../support/refusing-url.ts'

const key = { 'ocp-apim-subscription-key': testKey }
const models = '/documentintelligence/documentModels/prebuilt-layout'
const submitPath = `${models}:analyze?api-version=2024-11-30`

const started: TestSimulator[] = []
const start = async (settings: TestSettings = {}): Promise<TestSimulator> => {
  const simulator = await createExtendedSimulator(['examples/extensions/document-intelligence'], settings)
  started.push(simulator)
  return simulator
}

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const { simulator } of started.splice(0)) await simulator.close()
})

/** Submits a document of this many bytes, and returns the answer. */
const submit = async ({ app }: TestSimulator, bytes = 100, path = submitPath): Promise<Response> =>
  app.request(path, {
    method: 'POST',
    headers: { ...key, 'content-type': 'application/pdf', host: 'sim.example:8000' },
    body: Buffer.alloc(bytes, 'x'),
  })

const poll = async ({ app }: TestSimulator, location: string | null) => {
  const { pathname, search } = new URL(location ?? '')
  return app.request(pathname + search, { headers: { ...key, host: 'sim.example:8000' } })
}

interface Result {
  readonly status: string
  readonly analyzeResult?: {
    readonly content: string
    readonly pages: readonly { readonly words: readonly Word[] }[]
  }
}

interface Word {
  readonly content: string
  readonly span: { readonly offset: number; readonly length: number }
}

describe('document-intelligence in generate mode', () => {
  it.each(['documentintelligence', 'formrecognizer'])(
    'takes a document under /%s, works, and gives the same result each time it is asked',
    async (service) => {
      const simulator = await start({ env: { LATENCY_TIME_SCALE: '1' } })
      const path = `/${service}/documentModels/prebuilt-layout:analyze?api-version=2024-11-30`
      const submitted = await submit(simulator, 500_000, path)
      expect([submitted.status, await submitted.text()]).toEqual([202, ''])
      const location = submitted.headers.get('operation-location')
      expect(location).toMatch(
        new RegExp(
          `^http://sim.example:8000/${service}/documentModels/prebuilt-layout/analyzeResults/[0-9a-f-]{36}\\?api-version=2024-11-30$`,
        ),
      )
      await simulator.clock.advance(1_999)
      expect(await (await poll(simulator, location)).json()).toEqual({
        status: 'running',
        createdDateTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        lastUpdatedDateTime: expect.any(String),
      })
      await simulator.clock.advance(1)
      const result = (await (await poll(simulator, location)).json()) as Result
      expect(result).toMatchObject({
        status: 'succeeded',
        analyzeResult: { apiVersion: '2024-11-30', modelId: 'prebuilt-layout' },
      })
      const { content = '', pages = [] } = result.analyzeResult ?? {}
      const words = pages.flatMap((page) => page.words)
      expect(words).toHaveLength(500)
      for (const { content: word, span } of words) {
        expect(content.slice(span.offset, span.offset + span.length)).toBe(word)
      }
      expect(await (await poll(simulator, location)).json()).toEqual(result)
      // No state is stored: another simulator can return the result as well.
      expect(await (await poll(await start(), location)).json()).toMatchObject({ status: 'succeeded' })
    },
  )

  it('has results immediately when latency is off', async () => {
    const simulator = await start()
    const submitted = await submit(simulator)
    const result = await poll(simulator, submitted.headers.get('operation-location'))
    expect(await result.json()).toMatchObject({ status: 'succeeded' })
  })

  it('accepts 15 documents a second, or DOC_INTELLIGENCE_RPS; polls are not limited', async () => {
    const simulator = await start()
    const statuses = async (count: number, of: TestSimulator) =>
      (await Promise.all(Array.from({ length: count }, () => submit(of)))).map(({ status }) => status)
    expect(await statuses(17, simulator)).toEqual([...Array<number>(15).fill(202), 429, 429])
    const refused = await submit(simulator)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ error: { code: '429' } })
    const elsewhere =
      'http://x/formrecognizer/documentModels/m1/analyzeResults/00000000-0000-0000-0000-000000000000'
    expect((await poll(simulator, elsewhere)).status).toBe(404)
    await simulator.clock.advance(1_000)
    expect((await submit(simulator)).status).toBe(202)

    vi.stubEnv('DOC_INTELLIGENCE_RPS', '2')
    expect(await statuses(3, await start())).toEqual([202, 202, 429])
    vi.stubEnv('DOC_INTELLIGENCE_RPS', '0')
    expect(new Set(await statuses(30, await start()))).toEqual(new Set([202]))
    vi.stubEnv('DOC_INTELLIGENCE_RPS', 'many')
    await expect(start()).rejects.toThrow('DOC_INTELLIGENCE_RPS must be a whole number')
  })

  it('requires the key in the header that its clients use', async () => {
    const { app } = await start()
    const headers = { 'ocp-apim-subscription-key': 'wrong' }
    expect((await app.request(submitPath, { method: 'POST', headers, body: 'x' })).status).toBe(401)
    expect((await app.request(submitPath, { method: 'POST', body: 'x' })).status).toBe(401)
  })

  it('forgets results after a day, and answers 404 for unknown ones', async () => {
    const simulator = await start()
    const location = (await submit(simulator)).headers.get('operation-location')
    const other =
      'http://x/documentintelligence/documentModels/m1/analyzeResults/b7e1c2a4-0000-4000-8000-00000000abcd'
    expect((await poll(simulator, other)).status).toBe(404)
    await simulator.clock.advance(24 * 60 * 60 * 1_000 + 1)
    expect((await poll(simulator, location)).status).toBe(404)
  })
})

describe('document-intelligence in record mode', () => {
  const place = recordingPlace()
  beforeEach(() => {
    vi.stubEnv('AZURE_FORM_RECOGNIZER_ENDPOINT', `${place.upstream.url}/`)
    vi.stubEnv('AZURE_FORM_RECOGNIZER_KEY', 'real-key')
  })

  const record = () =>
    start({
      env: {
        SIMULATOR_MODE: 'record',
        RECORDING_DIR: place.dir,
        AZURE_OPENAI_ENDPOINT: place.upstream.url,
        AZURE_OPENAI_KEY: 'openai-key',
      },
    })
  const replay = () => start({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: place.dir } })

  const id = '3b31320d-8bab-4f88-b19c-2322a7f11034'
  const resultPath = `${models}/analyzeResults/${id}`

  /** A service that needs this many polls. */
  const serve = (polls: number): void => {
    let left = polls
    place.upstream.answer = (request, response) => {
      if (request.method === 'POST') {
        const location = `https://real.example${resultPath}?api-version=2024-11-30`
        response.writeHead(202, { 'operation-location': location, 'content-length': 0 }).end()
        return undefined
      }
      const status = left-- > 0 ? 'running' : 'succeeded'
      return json({ status, ...(status === 'succeeded' && { analyzeResult: { content: 'real' } }) })(
        request,
        response,
      )
    }
  }

  it('forwards with the key of the service, and returns a result URL of the simulator', async () => {
    serve(2)
    const simulator = await record()
    const submitted = await submit(simulator)
    const location = submitted.headers.get('operation-location')
    expect(location).toBe(`http://sim.example:8000${resultPath}?api-version=2024-11-30`)
    const states: unknown[] = []
    for (let time = 0; time < 3; time++) {
      states.push(((await (await poll(simulator, location)).json()) as Result).status)
    }
    expect(states).toEqual(['running', 'running', 'succeeded'])
    expect(place.upstream.received[0]).toMatchObject({
      url: submitPath,
      headers: { 'ocp-apim-subscription-key': 'real-key', 'content-type': 'application/pdf' },
      body: Buffer.alloc(100, 'x'),
    })
    expect(JSON.stringify(place.upstream.received.map(({ headers }) => headers))).not.toContain(testKey)
  })

  it('records everything except unfinished polls, and the recordings can be replayed', async () => {
    serve(2)
    const recording = await record()
    const { headers } = await submit(recording)
    for (let time = 0; time < 3; time++) await poll(recording, headers.get('operation-location'))
    const codes = readRecordings(place.dir).map(({ response }) => response.status.code)
    expect(new Set(codes)).toEqual(new Set([200, 202]))
    expect(codes).toHaveLength(2)
    await place.upstream.close()

    const replaying = await replay()
    const submitted = await submit(replaying)
    const location = submitted.headers.get('operation-location')
    expect([submitted.status, location]).toEqual([
      202,
      `http://sim.example:8000${resultPath}?api-version=2024-11-30`,
    ])
    const result = await poll(replaying, location)
    expect(await result.json()).toEqual({ status: 'succeeded', analyzeResult: { content: 'real' } })
  })

  it('answers 502 with the reason when the service is unreachable, and records nothing', async () => {
    vi.stubEnv('AZURE_FORM_RECOGNIZER_ENDPOINT', await refusingUrl())
    const response = await submit(await record())
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({
      error: {
        message: expect.stringMatching(/^Could not reach http.+ECONNREFUSED.+AZURE_FORM_RECOGNIZER_ENDPOINT/),
      },
    })
    expect(readRecordings(place.dir)).toEqual([])
  })

  it('leaves requests to the configured service when it has no separate address', async () => {
    vi.stubEnv('AZURE_FORM_RECOGNIZER_KEY', '')
    place.upstream.answer = json({ from: 'the configured service' })
    const response = await submit(await record())
    expect(await response.json()).toEqual({ from: 'the configured service' })
  })
})
