import OpenAI, { AzureOpenAI, toFile } from 'openai'
import type { TranscriptionDiarized } from 'openai/resources/audio/transcriptions'
import { describe, expect, it } from 'vitest'
import { renderWav } from '../../src/generate/audio/generate-speech.ts'
import {
  createTestSimulator,
  deploymentPath,
  eventsOf,
  testKey,
  type TestSimulator,
} from '../support/test-simulator.ts'

/** Ten seconds. */
const wav = renderWav(Buffer.alloc(480_000))

const clientOf = ({ app }: TestSimulator): AzureOpenAI =>
  new AzureOpenAI({
    apiKey: testKey,
    apiVersion: '2025-04-01-preview',
    endpoint: 'http://simulator.test',
    maxRetries: 0,
    fetch: async (url, init) => app.request(url instanceof Request ? url.url : url.toString(), init),
  })

const v1ClientOf = ({ app }: TestSimulator): OpenAI =>
  new OpenAI({
    apiKey: testKey,
    baseURL: 'http://simulator.test/openai/v1',
    maxRetries: 0,
    fetch: async (url, init) => app.request(url instanceof Request ? url.url : url.toString(), init),
  })

/** Default deployments without limits. */
const unlimited = { deployments: { whisper: { model: 'whisper' } } }

const upload = async (): Promise<File> => toFile(wav, 'speech.wav')

describe('speech', () => {
  const request = { model: 'gpt-4o-mini-tts', input: 'Hello there. How are you?', voice: 'alloy' } as const

  it.each([
    ['mp3', 'audio/mpeg', /^fff3/],
    ['wav', 'audio/wav', /^52494646/],
    ['pcm', 'audio/pcm', /^/],
  ] as const)('is returned as %s', async (format, type, start) => {
    const client = clientOf(createTestSimulator())
    const speech = await client.audio.speech.create({ ...request, response_format: format })
    expect(speech.headers.get('content-type')).toBe(type)
    const bytes = Buffer.from(await speech.arrayBuffer())
    expect(bytes.toString('hex', 0, 4)).toMatch(start)
    expect(speech.headers.get('content-length')).toBe(String(bytes.length))
  })

  it('defaults to mp3 and is deterministic for the same input', async () => {
    const client = clientOf(createTestSimulator())
    const sound = async (format?: 'mp3') => {
      const speech = await client.audio.speech.create({
        ...request,
        ...(format && { response_format: format }),
      })
      return Buffer.from(await speech.arrayBuffer())
    }
    expect((await sound()).equals(await sound('mp3'))).toBe(true)
  })

  it('has a duration that depends on the words and the speed, and can be transcribed', async () => {
    const client = clientOf(createTestSimulator(unlimited))
    const seconds = async (speed: number, format: 'wav' | 'mp3'): Promise<number> => {
      const speech = await client.audio.speech.create({ ...request, speed, response_format: format })
      const transcription = await client.audio.transcriptions.create({
        file: await toFile(await speech.arrayBuffer(), `speech.${format}`),
        model: 'whisper',
        response_format: 'verbose_json',
      })
      return transcription.duration
    }
    expect(await seconds(1, 'wav')).toBeCloseTo(2.69, 2)
    expect(await seconds(1, 'mp3')).toBeCloseTo(2.69, 2)
    expect(await seconds(2, 'mp3')).toBeCloseTo(1.34, 1)
  })

  it('streams events that contain the same bytes', async () => {
    const { post } = createTestSimulator()
    const path = '/openai/v1/audio/speech'
    const whole = await post(path, { ...request, response_format: 'pcm' })
    const response = await post(path, { ...request, response_format: 'pcm', stream_format: 'sse' })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const events = eventsOf(await response.text()).map(
      (event) => JSON.parse(event) as { type: string; audio?: string; usage?: object },
    )
    expect(events.at(-1)).toEqual({
      type: 'speech.audio.done',
      usage: { input_tokens: 7, output_tokens: 56, total_tokens: 63 },
    })
    const parts = events.slice(0, -1).map(({ audio }) => Buffer.from(audio ?? '', 'base64'))
    expect(Buffer.concat(parts).equals(Buffer.from(await whole.arrayBuffer()))).toBe(true)
  })

  it.each(['opus', 'aac', 'flac'] as const)('refuses %s, which is not supported', async (format) => {
    const client = clientOf(createTestSimulator())
    const speech = client.audio.speech.create({ ...request, response_format: format })
    await expect(speech).rejects.toMatchObject({
      status: 400,
      code: 'unsupported_value',
      param: 'response_format',
    })
  })
})

describe('transcriptions of whisper', () => {
  it('support every format with the same text', async () => {
    const client = clientOf(createTestSimulator(unlimited))
    const file = await upload()
    const model = 'whisper'
    const json = await client.audio.transcriptions.create({ file, model })
    expect(json).toEqual({ text: json.text, usage: { type: 'duration', seconds: 10 } })
    expect(json.text.split(' ').length).toBeGreaterThan(20)

    const text = await client.audio.transcriptions.create({ file, model, response_format: 'text' })
    expect(text).toBe(`${json.text}\n`)
    const srt = await client.audio.transcriptions.create({ file, model, response_format: 'srt' })
    expect(srt).toMatch(/^1\n00:00:00,000 --> 00:00:0\d,\d{3}\n/)
    const vtt = await client.audio.transcriptions.create({ file, model, response_format: 'vtt' })
    expect(vtt).toMatch(/^WEBVTT\n\n00:00:00\.000 --> /)

    const verbose = await client.audio.transcriptions.create({
      file,
      model,
      response_format: 'verbose_json',
      language: 'fr',
      timestamp_granularities: ['word', 'segment'],
    })
    expect(verbose).toMatchObject({ task: 'transcribe', language: 'french', duration: 10, text: json.text })
    expect(verbose.segments?.map((segment) => segment.text).join('')).toBe(` ${json.text}`)
    expect(verbose.words?.at(-1)?.end).toBe(10)
    const spoken = json.text.replace(/[.,]/g, '').split(' ')
    expect(verbose.words?.map(({ word }) => word)).toEqual(spoken)
  })

  it.each([
    ['json', 'application/json'],
    ['verbose_json', 'application/json'],
    ['text', 'text/plain; charset=utf-8'],
    ['srt', 'text/plain; charset=utf-8'],
    ['vtt', 'text/plain; charset=utf-8'],
  ] as const)('with %s have the content type %s', async (format, type) => {
    const client = clientOf(createTestSimulator(unlimited))
    const request = { file: await upload(), model: 'whisper', response_format: format }
    const response = await client.audio.transcriptions.create(request).asResponse()
    expect(response.headers.get('content-type')).toBe(type)
  })

  it('take the deployment from the form on v1 paths', async () => {
    const client = v1ClientOf(createTestSimulator(unlimited))
    const { text } = await client.audio.transcriptions.create({ file: await upload(), model: 'whisper' })
    expect(text).not.toBe('')
    const translation = await client.audio.translations.create({ file: await upload(), model: 'whisper' })
    expect(translation.text).not.toBe('')
  })

  it('count against the requests limit', async () => {
    const client = clientOf(createTestSimulator())
    const request = { file: await upload(), model: 'whisper' }
    for (let i = 0; i < 3; i++) await client.audio.transcriptions.create(request)
    await expect(client.audio.transcriptions.create(request)).rejects.toMatchObject({ status: 429 })
  })
})

describe('translations', () => {
  it.each([
    ['json', /^\{"text":"[^"]+\."\}$/],
    ['text', /^[A-Z][^"]+\.\n$/],
    ['srt', /^1\n00:00:00,000 --> /],
    ['vtt', /^WEBVTT\n\n00:00:00\.000 --> /],
    ['verbose_json', /^\{"task":"translate","language":"english","duration":10\.0,"text":"/],
  ] as const)('support %s', async (format, form) => {
    const client = clientOf(createTestSimulator(unlimited))
    const request = { file: await upload(), model: 'whisper', response_format: format } as const
    const response = await client.audio.translations.create(request).asResponse()
    expect(response.status).toBe(200)
    expect(await response.text()).toMatch(form)
  })

  it('are supported by whisper only', async () => {
    const client = clientOf(createTestSimulator())
    const request = { file: await upload(), model: 'gpt-4o-transcribe' }
    await expect(client.audio.translations.create(request)).rejects.toMatchObject({
      status: 400,
      code: 'OperationNotSupported',
    })
  })

  it('answer 400 for an unknown format', async () => {
    const client = clientOf(createTestSimulator(unlimited))
    const request = { file: await upload(), model: 'whisper', response_format: 'xml' as 'json' }
    await expect(client.audio.translations.create(request)).rejects.toMatchObject({
      status: 400,
      param: 'response_format',
    })
  })
})

describe('transcriptions of newer models', () => {
  const model = 'gpt-4o-transcribe'

  it('are billed in tokens', async () => {
    const client = clientOf(createTestSimulator())
    const { usage } = await client.audio.transcriptions.create({
      file: await upload(),
      model,
      prompt: 'Hello there',
    })
    expect(usage).toMatchObject({
      type: 'tokens',
      input_tokens: 102,
      input_token_details: { text_tokens: 2, audio_tokens: 100 },
    })
  })

  it('are streamed', async () => {
    const client = clientOf(createTestSimulator())
    const stream = await client.audio.transcriptions.create({ file: await upload(), model, stream: true })
    let text = ''
    let done: unknown
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') text += event.delta
      else done = event
    }
    expect(done).toMatchObject({ type: 'transcript.text.done', text, usage: { type: 'tokens' } })
  })

  it('support JSON and text only', async () => {
    const client = clientOf(createTestSimulator())
    const request = { file: await upload(), model }
    expect(await client.audio.transcriptions.create({ ...request, response_format: 'text' })).toMatch(/\.\n$/)
    await expect(
      client.audio.transcriptions.create({ ...request, response_format: 'vtt' }),
    ).rejects.toMatchObject({ status: 400, code: 'unsupported_value' })
  })

  it('name the speakers if the model supports it', async () => {
    const client = clientOf(createTestSimulator())
    const request = { file: await upload(), model: 'gpt-4o-transcribe-diarize' }
    const answer = (await client.audio.transcriptions.create({
      ...request,
      response_format: 'diarized_json',
    })) as unknown as TranscriptionDiarized
    expect(answer.segments[0]).toMatchObject({ id: 'seg_001', speaker: 'A', start: 0 })
    expect(answer.segments.map(({ text }) => text).join(' ')).toBe(answer.text)
  })
})

describe('invalid uploads', () => {
  const path = deploymentPath('whisper', 'audio/transcriptions')

  const send = async (
    body: string | Blob | FormData,
    type?: string,
  ): Promise<{ status: number; text: string }> => {
    const { app } = createTestSimulator(unlimited)
    const headers = { 'api-key': testKey, ...(type && { 'content-type': type }) }
    const response = await app.request(path, { method: 'POST', headers, body })
    return { status: response.status, text: await response.text() }
  }

  it.each([
    ['JSON', '{"file":"x"}', 'application/json', 'expected multipart/form-data'],
    ['a form without an end', '--b\r\n', 'multipart/form-data; boundary=b', 'Could not parse multipart form'],
    ['a form without a boundary', 'x', 'multipart/form-data', 'Could not parse multipart form'],
    ['an empty form', '--b--', 'multipart/form-data; boundary=b', "Missing required parameter: 'file'."],
  ])('answer 400 for %s', async (_, body, type, message) => {
    const { status, text } = await send(body, type)
    expect(status).toBe(400)
    expect(text).toContain(message)
  })

  it('answer 400 for an empty file', async () => {
    const form = new FormData()
    form.append('file', new Blob([]), 'a.wav')
    const { status, text } = await send(form)
    expect(status).toBe(400)
    expect(text).toContain('"code": "audio_too_short"')
  })

  it('answer 413 above 25 MB, with the size in bytes', async () => {
    const form = new FormData()
    form.append('file', new Blob([Buffer.alloc(26_214_400)]), 'a.mp3')
    const body = await new Response(form).blob()
    const { status, text } = await send(body, body.type)
    expect(status).toBe(413)
    expect(text).toBe(
      `{"error":{"message":"Maximum content size limit (26214400) exceeded (${body.size} bytes read)","type":"server_error","param":null,"code":null}}`,
    )
  })

  it('get the error for a missing model on v1 paths, even if the form is invalid', async () => {
    const { app } = createTestSimulator()
    for (const body of ['--b--', 'x']) {
      const headers = { 'api-key': testKey, 'content-type': 'multipart/form-data; boundary=b' }
      const response = await app.request('/openai/v1/audio/transcriptions', { method: 'POST', headers, body })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('you must provide a model parameter')
    }
  })
})

describe('the content filter', () => {
  const env = { CONTENT_FILTER_PROMPT: 'hate: forbidden' }

  it('checks the input of speech', async () => {
    const client = clientOf(createTestSimulator({ env }))
    const request = { model: 'tts', voice: 'alloy', input: 'Forbidden words' } as const
    await expect(client.audio.speech.create(request)).rejects.toMatchObject({
      status: 400,
      code: 'content_filter',
    })
  })

  it('checks the prompt of a transcription', async () => {
    const client = clientOf(createTestSimulator({ ...unlimited, env }))
    const request = { file: await upload(), model: 'whisper', prompt: 'Forbidden words' }
    await expect(client.audio.transcriptions.create(request)).rejects.toMatchObject({
      status: 400,
      code: 'content_filter',
    })
  })
})
