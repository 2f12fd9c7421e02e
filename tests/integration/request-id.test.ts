import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/server/app.ts'
import { assembleSimulator } from '../../src/server/simulator.ts'
import { loadLiveConfig } from '../../src/config/live-config.ts'
import { createSystemClock } from '../../src/lib/system-clock.ts'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { filesInMemory } from '../support/files-in-memory.ts'
import { recordingPlace, startRecording } from '../support/recording-simulator.ts'
import { collectInto, type LogLine } from '../support/test-logger.ts'
import { deploymentPath, testKey, testSimulator } from '../support/test-simulator.ts'

const path = deploymentPath('gpt-4o', 'chat/completions')
const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }
const guid = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/

const setUp = () => {
  const live = loadLiveConfig({
    flags: {},
    env: { SIMULATOR_API_KEY: testKey, SIMULATOR_SEED: 'ids', LATENCY_TIME_SCALE: '0', JOURNAL_SIZE: '10' },
    workingDirectory: '/',
    readFile: filesInMemory(),
  })
  const log: LogLine[] = []
  const lines: string[] = []
  const clock = createVirtualClock()
  const simulator = assembleSimulator(live, {
    clock,
    logger: collectInto(log),
    requestLog: { format: 'json', hasColor: false, write: (line) => lines.push(line) },
  })
  return { ...testSimulator({ simulator, app: createApp(simulator) }, clock, log), lines }
}

describe('the id of a request', () => {
  it.each([
    ['an answer', path, {}, 200],
    ['a refusal', path, { 'api-key': 'wrong' }, 401],
    ['a fault', path, { 'x-sim-fault': 'serverError' }, 500],
    ['an unknown path', '/nowhere', {}, 404],
  ])('is the same in the headers, the request log and the journal of %s', async (_, url, headers, status) => {
    const { post, lines, simulator } = setUp()
    const response = await post(url, hello, headers)
    await response.text()
    const id = response.headers.get('apim-request-id')
    expect([response.status, id]).toEqual([status, expect.stringMatching(guid)])
    expect(lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId)).toEqual([id])
    expect(simulator.ownJournal?.entries().map(({ requestId }) => requestId)).toEqual([id])
  })

  it('is in the log of failures', async () => {
    const { post, log } = setUp()
    const response = await post('/nowhere', hello)
    expect(log.at(-1)?.fields).toMatchObject({ requestId: response.headers.get('apim-request-id') })
  })

  it('is unique for each request and deterministic for a seed, whatever the answer', async () => {
    const idsOf = async (headers: Record<string, string>) => {
      const { post } = setUp()
      const ids: (string | null)[] = []
      for (let times = 0; times < 3; times++) {
        ids.push((await post(path, hello, headers)).headers.get('apim-request-id'))
      }
      return ids
    }
    const ids = await idsOf({})
    expect(new Set(ids).size).toBe(3)
    expect(await idsOf({ 'x-sim-fault': 'gatewayTimeout' })).toEqual(ids)
  })

  describe('in record mode', () => {
    const place = recordingPlace()

    const sentFor = async (headers: Record<string, string>) => {
      const { post, simulator } = startRecording(place, createSystemClock(), { JOURNAL_SIZE: '10' })
      await (await post(path, hello, headers)).text()
      const id = simulator.ownJournal?.entries().at(-1)?.requestId
      return { id, sent: place.upstream.received.at(-1)?.headers['x-ms-client-request-id'] }
    }

    it('is sent to the upstream', async () => {
      const { id, sent } = await sentFor({})
      expect(sent).toMatch(guid)
      expect(sent).toBe(id)
    })

    it('is returned only if the caller has sent one', async () => {
      const { post } = startRecording(place, createSystemClock())
      place.upstream.answer = (request, response) => {
        response.setHeader('x-ms-client-request-id', request.headers['x-ms-client-request-id'] ?? '')
        response.end('{}')
      }
      const nameFor = async (headers: Record<string, string>) =>
        (await post(path, hello, headers)).headers.get('x-ms-client-request-id')
      expect(await nameFor({})).toBeNull()
      expect(await nameFor({ 'x-ms-client-request-id': 'mine' })).toBe('mine')
    })

    it('is the one of the caller if it sends one', async () => {
      expect((await sentFor({ 'x-ms-client-request-id': 'mine' })).sent).toBe('mine')
    })
  })
})
