import { AzureOpenAI } from 'openai'
import type { ImageGenStreamEvent } from 'openai/resources/images'
import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import {
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSimulator,
} from '../support/test-simulator.ts'

/** An api-version that supports the GPT image models. */
const gptImagePath = '/openai/deployments/gpt-image-1/images/generations?api-version=2025-04-01-preview'
const day = 24 * 60 * 60 * 1_000

const clientOf = ({ app }: TestSimulator): AzureOpenAI =>
  new AzureOpenAI({
    apiKey: testKey,
    apiVersion: '2025-04-01-preview',
    endpoint: 'http://simulator.test',
    maxRetries: 0,
    fetch: async (url, init) => app.request(url instanceof Request ? url.url : url.toString(), init),
  })

const sizeOf = (bytes: Buffer): string => {
  const { width, height } = PNG.sync.read(bytes)
  return `${width}x${height}`
}

describe('images of dall-e-3', () => {
  const request = { model: 'dall-e-3', prompt: 'A quiet harbour' } as const

  it('are returned as a URL that needs no key', async () => {
    const simulator = createTestSimulator()
    const { created, data } = await clientOf(simulator).images.generate({ ...request, size: '1792x1024' })
    expect(created).toBe(1_767_225_600)
    expect(data?.[0]?.revised_prompt).toContain('A quiet harbour')
    const url = data?.[0]?.url ?? ''
    expect(url).toMatch(/^http:\/\/[^/]+\/images\/[0-9a-f-]{36}\/generated_00\.png\?se=/)
    const image = await simulator.app.request(url)
    expect(image.status).toBe(200)
    expect(image.headers.get('content-type')).toBe('image/png')
    expect(sizeOf(Buffer.from(await image.arrayBuffer()))).toBe('1792x1024')
  })

  it('have URLs on the host that the caller used', async () => {
    const { post } = createTestSimulator()
    const headers = { host: 'aoai.example:8443', 'x-forwarded-proto': 'https' }
    const response = await post(deploymentPath('dall-e-3', 'images/generations'), request, headers)
    expect(await response.text()).toContain('"url":"https://aoai.example:8443/images/')
  })

  it('have URLs that answer 404 when they are changed, and after a day', async () => {
    const simulator = createTestSimulator()
    const { data } = await clientOf(simulator).images.generate(request)
    const url = data?.[0]?.url ?? ''
    const status = async (changed: string): Promise<number> => (await simulator.app.request(changed)).status
    expect(await status(url.replace('&p=', '&p=A'))).toBe(404)
    expect(await status(url.slice(0, -2))).toBe(404)
    expect(await status(url.split('?')[0]!)).toBe(404)
    expect(await status(url)).toBe(200)
    await simulator.clock.advance(day)
    expect(await status(url)).toBe(404)
  })

  it('are returned as base64 with the annotations of the content filter', async () => {
    const { post } = createTestSimulator()
    const body = { ...request, response_format: 'b64_json', style: 'natural' }
    const response = await post(deploymentPath('dall-e-3', 'images/generations'), body)
    const text = (await response.text()).replace(/"b64_json":"[^"]+"/, '"b64_json":"PNG"')
    const safe = '{"filtered":false,"severity":"safe"}'
    const harms = `"self_harm":${safe},"sexual":${safe},"violence":${safe}`
    expect(text).toBe(
      `{"created":1767225600,"data":[{"b64_json":"PNG","content_filter_results":{"hate":${safe},${harms}},"prompt_filter_results":{"hate":${safe},"profanity":{"detected":false,"filtered":false},${harms}},"revised_prompt":"A natural, realistic image of: A quiet harbour"}]}`,
    )
  })
})

describe('images of the GPT image models', () => {
  const request = { model: 'gpt-image-1', prompt: 'A quiet harbour', quality: 'low' } as const

  it('are PNG files of the requested size with their usage', async () => {
    const client = clientOf(createTestSimulator())
    const answer = await client.images.generate({ ...request, n: 2, size: '1024x1536' })
    expect(answer).toMatchObject({
      background: 'opaque',
      output_format: 'png',
      quality: 'low',
      size: '1024x1536',
      usage: {
        input_tokens: 3,
        input_tokens_details: { image_tokens: 0, text_tokens: 3 },
        output_tokens: 816,
        total_tokens: 819,
      },
    })
    const files = answer.data?.map(({ b64_json: base64 }) => Buffer.from(base64 ?? '', 'base64')) ?? []
    expect(files.map(sizeOf)).toEqual(['1024x1536', '1024x1536'])
    expect(files[0]?.equals(files[1]!)).toBe(false)
  })

  it('are the same for the same prompt', async () => {
    const answer = async () => clientOf(createTestSimulator()).images.generate(request)
    expect(await answer()).toEqual(await answer())
  })

  it.each([
    ['gpt-image-1', 'auto', 'auto', '1024x1024', 1_056],
    ['gpt-image-1', '1536x1024', 'high', '1536x1024', 6_208],
    ['gpt-image-2', '1024x1024', 'low', '1024x1024', 229],
  ])(
    'of %s in size %s and quality %s have the token bill of the service',
    async (model, size, quality, made, tokens) => {
      const { post } = createTestSimulator()
      const body = { model, prompt: 'x', size, quality }
      const response = await post('/openai/v1/images/generations', body)
      expect(await response.json()).toMatchObject({ size: made, usage: { output_tokens: tokens } })
    },
  )

  it('are preceded by partial images in a stream', async () => {
    const client = clientOf(createTestSimulator())
    const stream = await client.images.generate({ ...request, stream: true, partial_images: 2 })
    const events: ImageGenStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ])
    expect(events[1]).toMatchObject({ partial_image_index: 1, size: '1024x1024', output_format: 'png' })
    expect(events[2]).toMatchObject({ usage: { output_tokens: 472 } })
    const files = events.map(({ b64_json: base64 }) => Buffer.from(base64, 'base64'))
    expect(files.map(sizeOf)).toEqual(['1024x1024', '1024x1024', '1024x1024'])
    const whole = await client.images.generate(request)
    expect(files[2]?.toString('base64')).toBe(whole.data?.[0]?.b64_json)
  })

  it.each([
    ['{"prompt":', 'We could not parse the JSON body of your request.'],
    [{ prompt: 'x', size: '1x1' }, "Invalid value: '1x1'."],
    [{ prompt: 7 }, "Invalid type for 'prompt': expected a string, but got an integer instead."],
  ])('refuse %j', async (body, message) => {
    const { post } = createTestSimulator()
    const response = await post(gptImagePath, body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(message)
  })
})

describe('the content filter', () => {
  const env = { CONTENT_FILTER_PROMPT: 'violence: forbidden', CONTENT_FILTER_COMPLETION: 'hate: hidden' }

  it('refuses the prompt of an image with the error body of images', async () => {
    const { post } = createTestSimulator({ env })
    const body = { prompt: 'A forbidden "thing"' }
    const response = await post(deploymentPath('dall-e-3', 'images/generations'), body)
    expect(response.status).toBe(400)
    expect(response.headers.get('x-ratelimit-limit-requests')).toBeNull()
    const safe = '{"filtered":false,"severity":"safe"}'
    expect(await response.text()).toBe(
      `{"error":{"code":"content_policy_violation","inner_error":{"code":"ResponsibleAIPolicyViolation","content_filter_results":{"hate":${safe},"jailbreak":{"detected":false,"filtered":false},"self_harm":${safe},"sexual":${safe},"violence":{"filtered":true,"severity":"high"}},"revised_prompt":"A forbidden \\"thing\\""},"message":"Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.","type":"invalid_request_error"}}`,
    )
  })

  it('refuses an image with harmful content', async () => {
    const { post } = createTestSimulator({ env })
    const body = { prompt: 'Something hidden' }
    const response = await post(gptImagePath, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'contentFilter' } })
  })
})
