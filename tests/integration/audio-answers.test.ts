import { AzureOpenAI } from 'openai'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { describe, expect, it } from 'vitest'
import { audioSeconds } from '../../src/generate/audio/generate-transcript.ts'
import {
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSimulator,
} from '../support/test-simulator.ts'

const path = deploymentPath('spoken', 'chat/completions')
const messages = [{ role: 'user', content: 'Say hello.' }]
const spoken = { messages, modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }

const simulator = (): TestSimulator =>
  createTestSimulator({
    deployments: { spoken: { model: 'gpt-4o-audio-preview' }, text: { model: 'gpt-4o' } },
    env: { COMPLETION_LENGTH: 'natural' },
  })

interface Answer {
  readonly choices: readonly {
    readonly finish_reason: string
    readonly message: {
      readonly content: unknown
      readonly audio?: {
        readonly id: string
        readonly data: string
        readonly expires_at: number
        readonly transcript: string
      }
    }
  }[]
  readonly usage: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly completion_tokens_details: { readonly audio_tokens: number }
    readonly prompt_tokens_details: { readonly audio_tokens: number }
  }
  readonly created: number
}

interface AudioPart {
  readonly id?: string
  readonly data?: string
  readonly transcript?: string
  readonly expires_at?: number
}

async function answerTo(body: object): Promise<Answer> {
  const response = await simulator().post(path, body)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

describe('audio answers', () => {
  it('have a sound, its transcript and no content', async () => {
    const { choices, created, usage } = await answerTo(spoken)
    const { content, audio } = choices[0]!.message
    expect(content).toBeNull()
    expect(audio?.id).toMatch(/^audio_[0-9a-f]{32}$/)
    expect(audio?.expires_at).toBe(created + 3_601)
    expect(audio?.transcript.split(' ').length).toBeGreaterThan(3)
    const sound = Buffer.from(audio?.data ?? '', 'base64')
    expect(sound.toString('latin1', 0, 4)).toBe('RIFF')
    expect(sound.readUInt32LE(40)).toBe(sound.length - 44)
    const seconds = audioSeconds(sound)
    expect(usage.completion_tokens_details.audio_tokens).toBe(Math.ceil(seconds * 20))
    expect(usage.completion_tokens).toBeGreaterThan(usage.completion_tokens_details.audio_tokens)
  })

  it('have keys in alphabetical order', async () => {
    const response = await simulator().post(path, spoken)
    const text = (await response.text()).replace(/"data":"[^"]+"/, '"data":"WAV"')
    expect(text).toMatch(
      /"message":\{"annotations":\[\],"audio":\{"data":"WAV","expires_at":\d+,"id":"audio_[0-9a-f]+","transcript":"[^"]+"\},"content":null,"refusal":null,"role":"assistant"\}/,
    )
  })

  it.each([
    ['mp3', 'fff3'],
    // The first sample is silent.
    ['pcm16', '0000'],
  ])('can have the format %s', async (format, start) => {
    const { choices } = await answerTo({ ...spoken, audio: { voice: 'coral', format } })
    const sound = Buffer.from(choices[0]?.message.audio?.data ?? '', 'base64')
    expect(sound.toString('hex', 0, 2)).toBe(start)
    expect(sound.length).toBeGreaterThan(10_000)
  })

  it('have a limit of tokens that includes the sound', async () => {
    const { choices, usage } = await answerTo({ ...spoken, max_completion_tokens: 50 })
    expect(usage.completion_tokens).toBeLessThanOrEqual(50)
    expect(choices[0]?.finish_reason).toBe('length')
    expect(choices[0]?.message.audio?.transcript).not.toBe('')
  })

  it('are streamed as transcript, sound and time of expiry', async () => {
    const body = {
      ...spoken,
      audio: { voice: 'alloy', format: 'pcm16' },
      stream: true,
      stream_options: { include_usage: true },
    }
    const response = await simulator().post(path, body)
    const chunks = (await response.text())
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice('data: '.length)) as ChatCompletionChunk)
    const audio = chunks.flatMap(({ choices: [choice] }): AudioPart[] => {
      const delta = choice?.delta as { audio?: AudioPart } | undefined
      return delta?.audio ? [delta.audio] : []
    })
    expect(audio[0]).toEqual({
      id: expect.stringMatching(/^audio_/) as string,
      transcript: expect.any(String) as string,
    })
    expect(audio.at(-1)).toEqual({ expires_at: expect.any(Number) as number })
    const pcm = Buffer.concat(audio.map(({ data }) => Buffer.from(data ?? '', 'base64')))
    const seconds = pcm.length / 48_000
    const usage = chunks.at(-1)?.usage
    expect(usage?.completion_tokens_details?.audio_tokens).toBe(Math.ceil(seconds * 20))
    expect(audio.map(({ transcript }) => transcript ?? '').join('').length).toBeGreaterThan(10)
    expect(chunks.some(({ choices: [choice] }) => choice?.finish_reason === 'stop')).toBe(true)
  })

  it('cost audio tokens as part of a later prompt', async () => {
    const { choices, usage } = await answerTo(spoken)
    const id = choices[0]?.message.audio?.id
    const next = { role: 'user', content: 'Thanks' }
    const history = (audio: object) => [...messages, { role: 'assistant', audio }, next]
    const known = await answerTo({ ...spoken, messages: history({ id }) })
    const unknown = await answerTo({ ...spoken, messages: history({ id: 'audio_1' }) })
    const heard = Math.ceil(usage.completion_tokens_details.audio_tokens / 2)
    expect(known.usage.prompt_tokens - unknown.usage.prompt_tokens).toBe(heard)
    expect(known.usage.prompt_tokens_details.audio_tokens).toBe(heard)
  })

  it('are read by the official client', async () => {
    const { app } = simulator()
    const client = new AzureOpenAI({
      apiKey: testKey,
      apiVersion: '2025-01-01-preview',
      endpoint: 'http://simulator.test',
      fetch: async (url, init) => app.request(url instanceof Request ? url.url : url.toString(), init),
    })
    const answer = await client.chat.completions.create({
      model: 'spoken',
      messages: [{ role: 'user', content: 'Say hello.' }],
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
    })
    expect(answer.choices[0]?.message.audio?.transcript).toEqual(expect.any(String))
  })

  it('can be tool calls without a sound', async () => {
    const { choices } = await answerTo({
      ...spoken,
      tools: [{ type: 'function', function: { name: 'f' } }],
      tool_choice: 'required',
    })
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    expect(choices[0]?.message.audio).toBeUndefined()
  })
})

describe('a request for an audio answer', () => {
  it.each<[string, object, string, string, string]>([
    [
      'spoken',
      { messages },
      'model',
      'invalid_value',
      'This model requires that either input content or output modality contain audio.',
    ],
    [
      'spoken',
      { messages, modalities: ['text', 'audio'] },
      'audio',
      'missing_required_parameter',
      "Missing required parameter: 'audio'.",
    ],
    [
      'spoken',
      { ...spoken, modalities: ['audio'] },
      'modalities',
      'invalid_value',
      "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['text', 'audio'].",
    ],
    [
      'spoken',
      { ...spoken, stream: true },
      'audio.format',
      'unsupported_value',
      "Unsupported value: 'audio.format' does not support 'wav' when stream=true. Supported values are: 'pcm16'.",
    ],
    [
      'spoken',
      { ...spoken, audio: { voice: 'alloy', format: 'flac' } },
      'audio.format',
      'unsupported_value',
      "Unsupported value: 'audio.format' does not support 'flac' in this simulator. Supported values are: 'mp3', 'wav', and 'pcm16'.",
    ],
    [
      'spoken',
      { ...spoken, audio: { voice: 'alloy' } },
      'audio.format',
      'missing_required_parameter',
      "Missing required parameter: 'audio.format'.",
    ],
    [
      'text',
      spoken,
      'modalities',
      'unsupported_value',
      "Unsupported value: 'modalities' does not support 'audio' with this model. Supported values are: 'text'.",
    ],
  ])('to %s is refused: %j', async (deployment, body, param, code, message) => {
    const response = await simulator().post(deploymentPath(deployment, 'chat/completions'), body)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })

  it('is accepted with `audio` but without the modality, and answered with text', async () => {
    const { audio } = spoken
    const response = await simulator().post(deploymentPath('text', 'chat/completions'), { messages, audio })
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: expect.any(String) as string } }],
    })
  })
})
