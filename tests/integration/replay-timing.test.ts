import { describe, expect, it } from 'vitest'
import { cassette, cassetteItem, recordingFolder, warmUp } from '../support/recording-folder.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const path = '/v1/chat/completions'
const body = '{"model":"gpt-4o-mini","messages":[],"stream":true}'

const stream = (events: string, duration = '') =>
  cassetteItem(body, 'x')
    .replace("string: 'x'", `events:\n${events}`)
    .replace('- application/json\n    status', `- text/event-stream\n${duration}    status`)

const events = `      - at_ms: 100
        data: {"n": 1}
      - at_ms: 150
        event: odd
        data: two
      - at_ms: 140
        raw: "data: three\\r\\n\\r\\n"
      - at_ms: 400
        data: '[DONE]'
`

const replaying = (item: string, env: Record<string, string> = {}) =>
  createTestSimulator({
    env: {
      SIMULATOR_MODE: 'replay',
      RECORDING_DIR: recordingFolder({ 'a.yaml': cassette(item) }),
      LATENCY_TIME_SCALE: '1',
      ...env,
    },
  })

/** Received text at each time, in milliseconds. */
const received = async (simulator: ReturnType<typeof replaying>, times: readonly number[]) => {
  const { post, clock } = simulator
  await warmUp(
    post(path, body).then((response) => response.text()),
    clock,
  )
  const startedMs = clock.nowMs()
  const seen: Record<number, string> = {}
  let text = ''
  let done = false
  const reading = post(path, body).then(async (response) => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
    done = true
  })
  for (const time of times) {
    await clock.advance(startedMs + time - clock.nowMs())
    await new Promise((resolve) => setImmediate(resolve))
    seen[time] = text
    text = ''
  }
  expect(done).toBe(true)
  await reading
  return seen
}

describe('a replayed stream', () => {
  it('is sent event by event at the recorded times', async () => {
    expect(await received(replaying(stream(events)), [99, 100, 149, 150, 399, 400])).toEqual({
      99: '',
      100: 'data: {"n":1}\n\n',
      149: '',
      150: 'event: odd\ndata: two\n\ndata: three\r\n\r\n',
      399: '',
      400: 'data: [DONE]\n\n',
    })
  })

  it('is faster with a smaller time scale', async () => {
    const simulator = replaying(stream(events), { LATENCY_TIME_SCALE: '0.1' })
    expect(await received(simulator, [9, 10, 40])).toMatchObject({ 9: '', 10: 'data: {"n":1}\n\n' })
  })

  it('is sent evenly if only the total time was recorded', async () => {
    const item = cassetteItem(body, 'data: 1\n\n\n        data: 2\n\n\n        ').replace(
      '- application/json\n    status',
      '- text/event-stream\n    duration_ms: 100\n    status',
    )
    expect(await received(replaying(item), [49, 50, 99, 100])).toEqual({
      49: '',
      50: 'data: 1\n\n',
      99: '',
      100: 'data: 2\n\n',
    })
  })

  it('is sent immediately if no time was recorded', async () => {
    const item = cassetteItem(body, 'data: 1\n\n\n        data: 2\n\n\n        ').replace(
      '- application/json\n    status',
      '- text/event-stream\n    status',
    )
    expect(await received(replaying(item), [1])).toEqual({ 1: 'data: 1\n\ndata: 2\n\n' })
  })
})

describe('a replayed whole answer', () => {
  it('takes the recorded time, whatever its status', async () => {
    for (const status of [200, 500]) {
      const item = cassetteItem(body, 'late').replace('code: 200', `code: ${status}`)
      const simulator = replaying(item.replace('    status:', '    duration_ms: 250\n    status:'))
      expect(await received(simulator, [249, 250])).toEqual({ 249: '', 250: 'late' })
    }
  })
})
