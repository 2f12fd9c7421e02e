import { AzureOpenAI, OpenAI, toFile } from 'openai'
import type { ImageEditStreamEvent } from 'openai/resources/images'
import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { pngFile } from '../support/pictures.ts'
import {
  createTestSimulator,
  deploymentPath,
  testKey,
  type TestSimulator,
} from '../support/test-simulator.ts'

const editPath = '/openai/deployments/gpt-image-1/images/edits?api-version=2025-04-01-preview'

function fetchOf({ app }: TestSimulator): typeof fetch {
  return async (url, init) => app.request(url instanceof Request ? url.url : url.toString(), init)
}

const azure = (simulator: TestSimulator): AzureOpenAI =>
  new AzureOpenAI({
    apiKey: testKey,
    apiVersion: '2025-04-01-preview',
    // The client does not take it from the model of a form.
    deployment: 'gpt-image-1',
    endpoint: 'http://simulator.test',
    maxRetries: 0,
    fetch: fetchOf(simulator),
  })

const v1 = (simulator: TestSimulator): OpenAI =>
  new OpenAI({
    apiKey: testKey,
    baseURL: 'http://simulator.test/openai/v1',
    maxRetries: 0,
    fetch: fetchOf(simulator),
  })

const image = (width = 1_024, height = 1_024) =>
  toFile(pngFile(width, height), 'a.png', { type: 'image/png' })

const sizeOf = (base64: string | undefined): string => {
  const { width, height } = PNG.sync.read(Buffer.from(base64 ?? '', 'base64'))
  return `${width}x${height}`
}

describe.each([
  ['a dated path', azure],
  ['a v1 path', v1],
])('edited images on %s', (_, clientOf) => {
  const request = { model: 'gpt-image-1', prompt: 'Add a hat', quality: 'low' } as const

  it('are PNG files with the usage of prompt and pictures', async () => {
    const answer = await clientOf(createTestSimulator()).images.edit({
      ...request,
      image: await image(),
      n: 2,
    })
    expect(answer).toMatchObject({
      background: 'opaque',
      output_format: 'png',
      quality: 'low',
      size: '1024x1024',
      usage: {
        // One tile of 512 x 512 pixels.
        input_tokens: 3 + 65 + 129,
        input_tokens_details: { image_tokens: 65 + 129, text_tokens: 3 },
        output_tokens: 2 * 272,
        total_tokens: 3 + 65 + 129 + 2 * 272,
      },
    })
    expect(answer.data?.map(({ b64_json: base64 }) => sizeOf(base64))).toEqual(['1024x1024', '1024x1024'])
  })

  it('have the orientation of the picture, and cost more if they follow it closely', async () => {
    const answer = await clientOf(createTestSimulator()).images.edit({
      ...request,
      image: [await image(1_600, 900), await image()],
      mask: await image(1_600, 900),
      input_fidelity: 'high',
    })
    expect(answer.size).toBe('1536x1024')
    const oblong = 65 + 129 * 2 + 6_240
    expect(answer.usage?.input_tokens_details.image_tokens).toBe(2 * oblong + 65 + 129 + 4_160)
  })

  it('differ for other pictures and are the same for the same one', async () => {
    const client = clientOf(createTestSimulator())
    const made = async (width: number): Promise<string | undefined> => {
      const { data } = await client.images.edit({
        ...request,
        size: '1024x1024',
        image: await image(width, width),
      })
      return data?.[0]?.b64_json
    }
    expect(await made(512)).toBe(await made(512))
    expect(await made(512)).not.toBe(await made(513))
  })

  it('are streamed as partial images and a completed one', async () => {
    const stream = await clientOf(createTestSimulator()).images.edit({
      ...request,
      image: await image(),
      stream: true,
      partial_images: 2,
    })
    const events: ImageEditStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual([
      'image_edit.partial_image',
      'image_edit.partial_image',
      'image_edit.completed',
    ])
    expect(events.at(-1)).toMatchObject({ usage: { input_tokens: 197, output_tokens: 272 + 2 * 100 } })
  })

  it('are refused without a picture', async () => {
    const sent = clientOf(createTestSimulator()).images.edit({ ...request, image: [] })
    await expect(sent).rejects.toMatchObject({ status: 400, param: 'image' })
  })
})

describe('images/edits', () => {
  it('does not exist before 2025-04-01-preview', async () => {
    const { post } = createTestSimulator()
    const response = await post(editPath.replace('2025-04-01', '2025-03-01'), {})
    expect([response.status, await response.text()]).toEqual([
      404,
      '{"error":{"code":"404","message": "Resource not found"}}',
    ])
  })

  it('needs a form', async () => {
    const { post } = createTestSimulator()
    const response = await post(editPath, { prompt: 'x' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining("only accepts 'multipart/form-data' requests") as string },
    })
  })

  it('is not supported by dall-e-3', async () => {
    const { post } = createTestSimulator()
    const response = await post(editPath.replace('gpt-image-1', 'dall-e-3'), {})
    expect(await response.json()).toMatchObject({ error: { code: 'OperationNotSupported' } })
  })

  it('applies the content filter to the prompt', async () => {
    const simulator = createTestSimulator({ env: { CONTENT_FILTER_PROMPT: 'violence: forbidden' } })
    const sent = v1(simulator).images.edit({
      model: 'gpt-image-1',
      prompt: 'forbidden',
      image: await image(),
    })
    await expect(sent).rejects.toMatchObject({ status: 400, code: 'content_policy_violation' })
  })
})

describe('images/variations', () => {
  it('does not exist', async () => {
    const { post } = createTestSimulator()
    expect((await post(deploymentPath('gpt-image-1', 'images/variations'), {})).status).toBe(404)
    expect((await post('/openai/v1/images/variations', {})).status).toBe(404)
  })
})
