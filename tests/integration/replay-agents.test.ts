import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'

const replaying = (items: readonly string[], env: Record<string, string> = {}) => {
  const dir = recordingFolder({ 'a.yaml': cassette(...items) })
  return { dir, ...createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...env } }) }
}

type Client = ReturnType<typeof replaying>

const textOf = async (
  { post }: Client,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<string> => {
  const response = await post(path, JSON.stringify(body), headers)
  return response.status === 200 ? response.text() : `status ${response.status}`
}

/** What differs in each run of an agent. */
interface Run {
  readonly id: string
  readonly time: string
  readonly port: number
  readonly argumentsOf: (city: string) => string
}

const newRun = (time: string, argumentsOf = (city: string) => `{"city":"${city}","unit":"C"}`): Run => ({
  id: randomUUID(),
  time,
  port: 40_000 + time.charCodeAt(12),
  argumentsOf,
})

/** The requests of an agent that compares the weather of two cities, with the results of its tools. */
const requestsOf = ({ id, time, port, argumentsOf }: Run) => {
  const [first, second] = [
    `call_${id.replaceAll('-', '').slice(0, 24)}`,
    `call_${id.replaceAll('-', '').slice(8)}`,
  ]
  const start = [
    { role: 'system', content: `You are an agent at http://127.0.0.1:${port}. The time is ${time}.` },
    { role: 'user', content: `Session ${id}: compare the weather of Oslo and Rome` },
  ]
  const calls = [first, second].map((callId, index) => ({
    id: callId,
    type: 'function',
    function: { name: 'weather', arguments: argumentsOf(index === 0 ? 'Oslo' : 'Rome') },
  }))
  const results = [
    { role: 'tool', tool_call_id: first, content: `{"at":"${time}","sky":"snow"}` },
    { role: 'tool', tool_call_id: second, content: `{"at":"${time}","sky":"sun"}` },
  ]
  const common = { model: 'gpt-4o', user: id, metadata: { started: time } }
  return [
    { ...common, messages: start },
    { ...common, messages: [...start, { role: 'assistant', content: null, tool_calls: calls }, ...results] },
  ]
}

const recordedRun = newRun('2026-11-30T06:49:38Z')
const laterRun = newRun('2026-12-24T18:00:00.123Z', (city) => `{"unit": "C", "city": "${city}"}`)
const recordedItems = requestsOf(recordedRun).map((body, turn) =>
  cassetteItem(JSON.stringify(body), `turn ${turn + 1}`, path),
)
const everything = 'timestamps,ids,json-strings,local-urls'

describe('replay of a run of an agent', () => {
  it('needs normalizers for ids, times, key order and ports', async () => {
    const client = replaying(recordedItems, { MATCH_NORMALIZE: everything })
    const texts: string[] = []
    for (const body of requestsOf(laterRun)) texts.push(await textOf(client, body))
    expect(texts).toEqual(['turn 1', 'turn 2'])
    for (const missing of everything.split(',')) {
      const others = everything.split(',').filter((name) => name !== missing)
      const partly = replaying(recordedItems, { MATCH_NORMALIZE: others.join(' ') })
      expect(await textOf(partly, requestsOf(laterRun)[1])).toBe('status 404')
    }
    expect(await textOf(replaying(recordedItems), requestsOf(laterRun)[1])).toBe('status 404')
  })

  it('returns no answer for a result of another call', async () => {
    const client = replaying(recordedItems, { MATCH_NORMALIZE: everything })
    const [, second] = requestsOf(laterRun)
    const swapped = structuredClone(second) as { messages: { role: string; tool_call_id?: string }[] }
    const [left, right] = swapped.messages.filter(({ role }) => role === 'tool')
    ;[left!.tool_call_id, right!.tool_call_id] = [right!.tool_call_id!, left!.tool_call_id!]
    expect(await textOf(client, swapped)).toBe('status 404')
  })

  it('prefers the recording with equal values, in any order', async () => {
    const same = Array.from({ length: 3 }, () => ({ user: randomUUID(), input: 'status?' }))
    const items = same.map((body, index) => cassetteItem(JSON.stringify(body), `answer ${index}`, path))
    const client = replaying(items, { MATCH_NORMALIZE: 'ids' })
    expect(await textOf(client, same[2])).toBe('answer 2')
    expect(await textOf(client, same[0])).toBe('answer 0')
    expect(await textOf(client, { ...same[0], user: randomUUID() })).toBe('answer 0')
    expect(await textOf(client, { ...same[0], user: randomUUID() })).toBe('answer 1')
    expect(await textOf(client, same[1])).toBe('answer 1')
  })

  it('replays each test from the first recording, also in parallel', async () => {
    const poll = (time: string) => ({ input: `Is it done at ${time}?` })
    const items = ['06:00:00', '06:00:05', '06:00:11'].map((time, index) =>
      cassetteItem(JSON.stringify(poll(time)), ['no', 'still no', 'yes'][index] ?? '', path),
    )
    const client = replaying(items, { MATCH_NORMALIZE: 'timestamps' })
    const test = async (name: string, hour: number): Promise<string[]> => {
      const texts: string[] = []
      for (let second = 0; second < 3; second++) {
        texts.push(await textOf(client, poll(`${hour}:10:0${second}`), { 'x-sim-test': name }))
      }
      return texts
    }
    const texts = await Promise.all([test('one', 10), test('two', 11), test('three', 12)])
    expect(texts).toEqual(Array.from({ length: 3 }, () => ['no', 'still no', 'yes']))
  })

  it('follows changes of the recordings', async () => {
    const client = replaying(recordedItems.slice(0, 1), {
      MATCH_NORMALIZE: everything,
      MATCH_CONVERSATION: 'prefix',
    })
    const [first, second] = requestsOf(laterRun)
    expect(await textOf(client, second)).toBe('status 404')
    writeFileSync(join(client.dir, 'a.yaml'), cassette(...recordedItems))
    const [{ replay } = { replay: undefined }] = client.simulator.recordings
    await replay?.refresh()
    expect(await textOf(client, second)).toBe('turn 2')
    const reminded = {
      ...second,
      messages: [...(second?.messages ?? []), { role: 'developer', content: 'Hurry.' }],
    }
    expect(await textOf(client, reminded)).toBe('turn 2')
    writeFileSync(join(client.dir, 'a.yaml'), cassette(...recordedItems.slice(0, 1)))
    await replay?.refresh()
    expect(await textOf(client, reminded)).toBe('status 404')
    expect(await textOf(client, first)).toBe('turn 1')
  })
})

describe('replay of a growing conversation', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: '2+2?' },
    { role: 'assistant', content: '4' },
    { role: 'user', content: '3+3?' },
  ]
  const reminder = { role: 'system', content: 'Answer as a pirate.' }
  const items = [2, 4].map((length) =>
    cassetteItem(JSON.stringify({ messages: messages.slice(0, length) }), `of ${length}`, path),
  )

  it('returns the recording of the same turn if the client added context', async () => {
    const client = replaying(items, { MATCH_CONVERSATION: 'prefix' })
    const [first = {}, second = {}, ...rest] = messages
    expect(await textOf(client, { messages: [first, second, reminder] })).toBe('of 2')
    expect(await textOf(client, { messages: [first, second, reminder, ...rest, reminder] })).toBe('of 4')
    expect(await textOf(client, { messages: [...messages, { role: 'user', content: 'Why?' }] })).toBe(
      'status 404',
    )
    expect(await textOf(client, { messages: messages.slice(0, 3) })).toBe('status 404')
  })

  it('returns the recording with the fewest missing messages', async () => {
    const longer = [...messages.slice(0, 2), reminder]
    const more = cassetteItem(JSON.stringify({ messages: longer }), 'as a pirate', path)
    const client = replaying([...items, more], { MATCH_CONVERSATION: 'prefix' })
    expect(await textOf(client, { messages: [...longer, reminder] })).toBe('as a pirate')
    expect(await textOf(client, { messages: longer })).toBe('as a pirate')
  })

  it('needs the setting', async () => {
    const client = replaying(items)
    expect(await textOf(client, { messages: [...messages, reminder] })).toBe('status 404')
  })
})
