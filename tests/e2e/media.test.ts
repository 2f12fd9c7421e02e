import { AzureOpenAI, BadRequestError, toFile } from 'openai'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInProcess, type RunningProgram } from '../support/built-program.ts'

let program: RunningProgram
let client: AzureOpenAI
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_SEED: 'media' } })
  client = new AzureOpenAI({
    endpoint: program.url,
    apiKey: program.key,
    apiVersion: '2025-04-01-preview',
    maxRetries: 0,
  })
})
afterAll(() => program.stop())

function readPng(base64: string | undefined): PNG {
  return PNG.sync.read(Buffer.from(base64 ?? '', 'base64'))
}

describe('images', () => {
  it('of gpt-image are PNG files of the requested size, with usage', async () => {
    const { data, usage } = await client.images.generate({
      model: 'gpt-image-1',
      prompt: 'A blue house',
      size: '1024x1536',
      quality: 'low',
    })
    const png = readPng(data?.[0]?.b64_json)
    expect([png.width, png.height]).toEqual([1024, 1536])
    expect(usage?.total_tokens).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0))
  })

  it('of dall-e-3 are URLs that can be opened', async () => {
    const { data } = await client.images.generate({ model: 'dall-e-3', prompt: 'A blue house' })
    const response = await fetch(data?.[0]?.url ?? '')
    expect(response.status).toBe(200)
    const png = PNG.sync.read(Buffer.from(await response.arrayBuffer()))
    expect([png.width, png.height]).toEqual([1024, 1024])
  })

  it('are refused for an unknown size', async () => {
    await expect(client.images.generate({ model: 'dall-e-3', prompt: 'x', size: '256x256' })).rejects.toThrow(
      BadRequestError,
    )
  })
})

/** Speech as a file, which the transcription then hears. */
async function speak(format: 'mp3' | 'wav', input: string): Promise<Buffer> {
  const response = await client.audio.speech.create({
    model: 'gpt-4o-mini-tts',
    voice: 'alloy',
    input,
    response_format: format,
  })
  return Buffer.from(await response.arrayBuffer())
}

describe('speech', () => {
  it('is an MP3 file by default, or a WAV file', async () => {
    const mp3 = await speak('mp3', 'Good morning')
    expect(mp3[0]).toBe(0xff)
    expect((await speak('wav', 'Good morning')).toString('latin1', 0, 4)).toBe('RIFF')
  })

  it('is longer for more words', async () => {
    const short = await speak('wav', 'Good morning')
    const long = await speak('wav', 'Good morning, and welcome to the show that never ends')
    expect(long.length).toBeGreaterThan(short.length)
  })
})

describe('transcriptions', () => {
  it.each(['mp3', 'wav'] as const)('of an %s file have text and its duration', async (format) => {
    const sound = await speak(format, 'One two three four five six seven eight')
    const whole = await client.audio.transcriptions.create({
      model: 'my-whisper',
      file: await toFile(sound, `speech.${format}`),
      response_format: 'verbose_json',
    })
    expect(whole.text).toMatch(/\w/)
    expect(whole.duration).toBeGreaterThan(1)
    expect(whole.segments?.length).toBeGreaterThan(0)
  })

  it('are equal for the same file', async () => {
    const sound = await speak('wav', 'The same words')
    const hear = async (): Promise<string> =>
      (
        await client.audio.transcriptions.create({
          model: 'gpt-4o-transcribe',
          file: await toFile(sound, 's.wav'),
        })
      ).text
    expect(await hear()).toBe(await hear())
  })

  it('can be subtitles', async () => {
    const text: unknown = await client.audio.translations.create({
      model: 'my-whisper',
      file: await toFile(await speak('wav', 'Guten Morgen'), 'speech.wav'),
      response_format: 'srt',
    })
    expect(text).toMatch(/^1\n00:00:00,000 --> /)
  })

  it('refuse a request without a file', async () => {
    const response = await fetch(`${program.url}/openai/v1/audio/transcriptions`, {
      method: 'POST',
      headers: { 'api-key': program.key },
      body: (() => {
        const form = new FormData()
        form.set('model', 'my-whisper')
        return form
      })(),
    })
    expect(response.status).toBe(400)
  })
})
