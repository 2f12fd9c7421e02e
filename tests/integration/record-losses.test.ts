import { rmSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createVirtualClock } from '../../src/lib/virtual-clock.ts'
import { chatEvents, eventStream, json } from '../support/fake-upstream.ts'
import { recordingPlace, startRecording } from '../support/recording-simulator.ts'

const path = '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21'
const request = { messages: [{ role: 'user', content: 'Hello' }] }

const place = recordingPlace(json({ ok: true }))

const start = (env: Record<string, string> = {}) => {
  const simulator = startRecording(place, createVirtualClock(), env)
  const { app } = simulator
  return {
    ...simulator,
    lostBy: async (reason: string): Promise<number> => {
      const rendered = await (await app.request('/metrics')).text()
      const value = new RegExp(`^aoai_recordings_lost_total{reason="${reason}"} (\\d+)$`, 'm').exec(rendered)
      return Number(value?.[1])
    },
    health: async (): Promise<[number, unknown]> => {
      const response = await app.request('/healthz')
      return [response.status, await response.json()]
    },
  }
}

/** Replaces the folder with a file. */
const breakFolder = (): void => {
  rmSync(place.dir, { recursive: true })
  writeFileSync(place.dir, '')
}

describe('recordings that cannot be written', () => {
  it('are counted by reason, for whole answers and streams, starting at 0', async () => {
    const { post, lostBy } = start()
    await post(path, request)
    expect(await lostBy('unwritable')).toBe(0)
    breakFolder()
    expect((await post(path, request)).headers.get('x-aoai-sim-recording')).toBe('failed')
    place.upstream.answer = eventStream(chatEvents(['a']))
    expect(await (await post(path, request)).text()).toBe(chatEvents(['a']).join(''))
    expect(await lostBy('unwritable')).toBe(2)
  })

  it('make /healthz report degraded with status 200 until a recording is written again', async () => {
    const { post, health, log } = start()
    await post(path, request)
    expect(await health()).toEqual([200, { status: 'ok', mode: 'record' }])
    breakFolder()
    for (let count = 0; count < 3; count++) await post(path, request)
    const recordings = { writing: 'failing', lost: 3 }
    expect(await health()).toEqual([200, { status: 'degraded', mode: 'record', recordings }])

    rmSync(place.dir)
    expect((await post(path, request)).headers.get('x-aoai-sim-recording')).toBe(null)
    expect(await health()).toEqual([200, { status: 'ok', mode: 'record' }])
    // The entry of the upstream at level debug can be before or after it.
    expect(log.findLast(({ level }) => level !== 'debug')).toMatchObject({
      message: 'Recordings are written again.',
      fields: { lost: 3, unwritable: 2 },
    })
  })

  it('are logged immediately and then once a minute with their number', async () => {
    const { post, log, clock, recorder } = start()
    breakFolder()
    const errors = () => log.filter(({ level }) => level === 'error')
    for (let count = 0; count < 20; count++) await post(path, request)
    expect(errors()).toHaveLength(1)
    expect(errors()[0]?.message).toContain('Set RECORDING_DIR to a folder')
    await clock.advance(60_000)
    for (let count = 0; count < 5; count++) await post(path, request)
    expect(errors()).toHaveLength(2)
    expect(errors()[1]).toMatchObject({ fields: { reason: 'unwritable', moreBefore: 19 } })
    await recorder.close()
    expect(errors()[2]).toMatchObject({
      message: 'More answers are not recorded.',
      fields: { unwritable: 4 },
    })
  })

  it('are counted under another reason if patterns of RECORDING_REDACT take too long', async () => {
    place.upstream.answer = json({ text: 'a'.repeat(200_000) })
    const { post, lostBy, health } = start({ RECORDING_REDACT: '/a*b/' })
    await post(path, request)
    expect(await lostBy('redaction')).toBe(1)
    expect(await health()).toEqual([200, { status: 'ok', mode: 'record' }])
  })
})
