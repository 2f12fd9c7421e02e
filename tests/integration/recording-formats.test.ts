import { describe, expect, it } from 'vitest'
import { callProgram } from '../support/call-program.ts'
import { recordingFolder } from '../support/recording-folder.ts'
import { createTestSimulator, testKey, type TestSimulator } from '../support/test-simulator.ts'
import { type Replayed, toolRecordings } from '../support/tool-recordings.ts'

const replayed = async ({ app }: TestSimulator, one: Replayed): Promise<object> => {
  const { method = 'POST', path = '/v1/chat/completions', body, type = 'application/json' } = one
  const response = await app.request(path, {
    method,
    headers: { 'api-key': testKey, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, type: response.headers.get('content-type') ?? '', body: textOrHex(bytes) }
}

const expected = ({ status = 200, answer, answerType = 'application/json' }: Replayed): object => ({
  status,
  type: answerType,
  body: textOrHex(Buffer.from(answer)),
})

const textOrHex = (bytes: Buffer): string =>
  Buffer.from(bytes.toString()).equals(bytes) ? bytes.toString() : bytes.toString('hex')

const replaySimulator = (dir: string): TestSimulator =>
  createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir } })

describe.each(Object.entries(toolRecordings))('a recording of %s', (_, { format, files, replays }) => {
  it('replays status, content type and bytes in the order of the file', async () => {
    const simulator = replaySimulator(recordingFolder(files))
    for (const one of replays) expect(await replayed(simulator, one)).toEqual(expected(one))
    expect(simulator.simulator.recordings[0]?.replay?.unused()).toEqual([])
  })

  it('is found by lint, which names its format', async () => {
    const { code, out, err } = await callProgram(recordingFolder(files), ['recordings', 'lint', '.'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain(`${replays.length} interactions that can be replayed, 0 errors`)
    expect(out).toContain(format)
  })
})
