import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSimulator, type SimulatorHandle } from '../../src/index.ts'
import { recordingFolder } from '../support/recording-folder.ts'

type Message = OpenAI.ChatCompletionMessageParam

const tools: OpenAI.ChatCompletionTool[] = ['search', 'read_file'].map((name) => ({
  type: 'function',
  function: {
    name,
    parameters: {
      type: 'object',
      properties: { query: { type: 'string' }, limit: { type: 'integer' } },
      required: ['query', 'limit'],
    },
  },
}))

const clientOf = (simulator: SimulatorHandle, test?: string): OpenAI =>
  new OpenAI({
    baseURL: `${simulator.url}/v1`,
    apiKey: simulator.apiKey,
    maxRetries: 0,
    fetch: simulator.fetch,
    ...(test !== undefined && { defaultHeaders: { 'x-sim-test': test } }),
  })

/** An agent that calls tools twice and then answers. Its prompt and the results of its tools have new times and ids in each run. */
const runAgent = async (client: OpenAI, questions: readonly string[] = ['What has changed?']) => {
  const messages: Message[] = [
    { role: 'system', content: `Session ${randomUUID()}, started at ${new Date().toISOString()}.` },
  ]
  const texts: string[] = []
  for (const question of questions) {
    messages.push({ role: 'user', content: question })
    for (let turn = 0; turn < 3; turn++) {
      const { choices } = await client.chat.completions.create({
        model: 'gpt-4o',
        messages,
        tools,
        tool_choice: turn < 2 ? 'required' : 'none',
        max_tokens: 60,
        user: randomUUID(),
      })
      const message = choices[0]!.message
      messages.push(message)
      texts.push(message.content ?? '')
      for (const call of message.tool_calls ?? []) {
        texts.push(JSON.stringify(call))
        const result = { finished: Date.now(), trace: randomUUID().replaceAll('-', ''), call: call.id }
        messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) })
      }
    }
  }
  return texts
}

describe('an agent with the official client', () => {
  let upstream: SimulatorHandle
  let endpoint = ''

  beforeAll(async () => {
    upstream = await createSimulator({ seed: 'agent' })
    endpoint = (await upstream.listen()).url
  })
  afterAll(() => upstream.close())

  const match = { normalize: ['timestamps', 'ids', 'json-strings'] as const }
  const connected = () => ({ upstream: { endpoint, key: upstream.apiKey } })

  it('replays a recorded run, in several tests at the same time', async () => {
    const dir = recordingFolder({})
    const recorder = await createSimulator({ mode: 'record', recordings: { dir }, ...connected() })
    const recorded = await runAgent(clientOf(recorder))
    await recorder.close()
    await using simulator = await createSimulator({
      mode: 'replay',
      recordings: { dir, match, replay: { strict: true } },
    })
    expect(recorded).toHaveLength(recorded.filter((text) => text === '').length * 2 + 1)
    const runs = ['one', 'two', 'three'].map((test) => runAgent(clientOf(simulator, test)))
    for (const texts of await Promise.all(runs)) expect(texts).toEqual(recorded)
    await using exact = await createSimulator({ mode: 'replay', recordings: { dir }, log: 'silent' })
    await expect(runAgent(clientOf(exact))).rejects.toThrow(
      /Set REPLAY_ON_MISS=record to record this request\. To get that recording instead: Set MATCH_NORMALIZE=timestamps,ids, because/,
    )
  })

  it('records into a folder that does not exist yet, and replays immediately', async () => {
    const dir = join(recordingFolder({}), 'new')
    const options = { mode: 'replay', recordings: { dir, match, replay: { onMiss: 'record' } } } as const
    await using simulator = await createSimulator({ ...options, ...connected() })
    const recorded = await runAgent(clientOf(simulator, 'one'))
    expect(await runAgent(clientOf(simulator, 'two'))).toEqual(recorded)
    await expect(createSimulator({ mode: 'replay', recordings: { dir: join(dir, 'none') } })).rejects.toThrow(
      'Could not read the recordings',
    )
  })

  it('records only the turns that are new, and replays them with the others', async () => {
    const dir = recordingFolder({})
    const recorder = await createSimulator({ mode: 'record', recordings: { dir }, ...connected() })
    const questions = ['What has changed?', 'And yesterday?']
    const first = await runAgent(clientOf(recorder), questions.slice(0, 1))
    await recorder.close()
    const growing = await createSimulator({
      mode: 'replay',
      recordings: { dir, match, replay: { onMiss: 'record' } },
      ...connected(),
    })
    const grown = await runAgent(clientOf(growing), questions)
    await growing.close()
    expect(grown.slice(0, first.length)).toEqual(first)
    await using simulator = await createSimulator({ mode: 'replay', recordings: { dir, match } })
    expect(await runAgent(clientOf(simulator), questions)).toEqual(grown)
  })
})
