import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { programKey, startProgram } from '../support/built-program.ts'
import { chatCompletion, json, startFakeUpstream } from '../support/fake-upstream.ts'
import { cassette, cassetteItem, recordingFolder } from '../support/recording-folder.ts'
import { connectToBoth, pidExtension, pidOf } from '../support/worker-answers.ts'

const path = '/v1/chat/completions'
const headers = { 'api-key': programKey, 'Content-Type': 'application/json' }
const known = '{"model":"gpt-4o","q":"known"}'
const missing = '{"model":"gpt-4o","q":"missing"}'

describe('recordings with two workers', () => {
  it('count the hits and misses of both, record once, and replay that in both', async () => {
    const upstream = await startFakeUpstream(json(chatCompletion('real')))
    onTestFinished(() => upstream.close())
    const dir = recordingFolder({ 'a.yaml': cassette(cassetteItem(known, 'one')) })
    await using program = await startProgram({
      args: ['--workers', '2'],
      files: { 'pid.mjs': pidExtension },
      env: {
        EXTENSION_PATH: './pid.mjs',
        SIMULATOR_MODE: 'replay',
        RECORDING_DIR: dir,
        AZURE_OPENAI_ENDPOINT: upstream.url,
        AZURE_OPENAI_KEY: 'upstream-key-0123456789',
      },
    })
    const admin = async (method: string, page: string, body?: object) => {
      const response = await fetch(`${program.url}/++/${page}`, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
    }
    const probe = { path, headers, body: known }
    const [first, second] = await connectToBoth(program.port, probe, 1)
    await admin('POST', 'reset')
    for (const connection of [first!, first!, second!]) await connection.send(probe)
    for (const connection of [first!, second!]) await connection.send({ ...probe, body: missing })

    const { body } = await admin('GET', 'recordings')
    expect(body.folders).toMatchObject([{ folder: dir, hits: 3, misses: 2, unused: 0 }])
    expect(body.recordings).toMatchObject([{ hits: 3, last_used_at: expect.any(String) }])
    const { misses } = (await admin('GET', 'recordings/misses')).body
    expect(misses).toMatchObject([
      { can_record: true, nearest: { differences: [{ path: 'q' }] } },
      { can_record: true },
    ])

    const recorded = await admin('POST', 'recordings/record', { miss: misses[0].id })
    expect(recorded).toMatchObject({ status: 200, body: { status: 200, line: expect.any(Number) } })
    expect(upstream.received).toHaveLength(1)
    expect(readFileSync(join(dir, 'v1_chat_completions.yaml'), 'utf8').match(/^- /gm)).toHaveLength(1)
    const replays = [
      await first!.send({ ...probe, body: missing }),
      await second!.send({ ...probe, body: missing }),
    ]
    expect(replays.map(({ status }) => status)).toEqual([200, 200])
    expect(new Set(replays.map(pidOf)).size).toBe(2)
    const after = (await admin('GET', 'recordings?used=true')).body
    expect(after.recordings).toMatchObject([{ hits: 3 }, { hits: 2, file: recorded.body.file }])

    await admin('POST', 'reset')
    expect((await admin('GET', 'recordings')).body.folders).toMatchObject([{ hits: 0, misses: 0, unused: 2 }])
    expect((await admin('GET', 'recordings/misses')).body).toEqual({ misses: [], total: 0 })
  })
})
