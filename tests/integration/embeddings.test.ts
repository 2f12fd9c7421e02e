import { describe, expect, it } from 'vitest'
import { loadEncoding } from '../../src/tokens/encoding.ts'
import { createTestSimulator, deploymentPath } from '../support/test-simulator.ts'

const deployments = {
  small: { model: 'text-embedding-3-small' },
  large: { model: 'text-embedding-3-large' },
  ada: { model: 'text-embedding-ada-002' },
  short: { model: 'text-embedding-3-large', embeddingSize: 100 },
}
const { post } = createTestSimulator({ deployments, env: { SIMULATOR_SEED: 'one' } })

interface Answer {
  readonly data: readonly { readonly index: number; readonly embedding: number[] | string }[]
  readonly model: string
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number }
}

async function embed(deployment: string, body: object, send = post): Promise<Answer> {
  const response = await send(deploymentPath(deployment, 'embeddings'), body)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

function vectors({ data }: Answer): number[][] {
  return data.map(({ embedding }) => {
    if (typeof embedding !== 'string') return embedding
    const bytes = Buffer.from(embedding, 'base64')
    return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i))
  })
}

const length = (vector: readonly number[]): number => Math.hypot(...vector)

describe('embeddings', () => {
  it.each([
    ['small', {}, 1_536],
    ['large', {}, 3_072],
    ['ada', {}, 1_536],
    ['short', {}, 100],
    ['large', { dimensions: 256 }, 256],
    ['short', { dimensions: 50 }, 50],
  ])(
    'of %s with %j have the size of the request, the deployment or the model, and length 1',
    async (name, options, size) => {
      for (const encoding_format of ['float', 'base64']) {
        const [vector = []] = vectors(
          await embed(name, { input: 'hello world', encoding_format, ...options }),
        )
        expect(vector).toHaveLength(size)
        expect(Math.abs(length(vector) - 1)).toBeLessThan(1e-6)
      }
    },
  )

  it('are the same for every start, seed and format', async () => {
    const other = createTestSimulator({ deployments, env: { SIMULATOR_SEED: 'two' } })
    const here = vectors(await embed('small', { input: 'the same text', encoding_format: 'base64' }))
    const there = vectors(
      await embed('small', { input: 'the same text', encoding_format: 'base64' }, other.post),
    )
    expect(there).toEqual(here)
    const [floats = []] = vectors(await embed('small', { input: 'the same text' }))
    expect(Math.max(...floats.map((value, i) => Math.abs(value - (here[0]?.[i] ?? 0))))).toBeLessThan(1e-8)
  })

  it('of token numbers equal those of their text', async () => {
    const text = 'Tokens of a text, äöü 日本語'
    const input = loadEncoding('cl100k_base').encode(text)
    const asTokens = await embed('small', { input: [input], encoding_format: 'base64' })
    const asText = await embed('small', { input: text, encoding_format: 'base64' })
    expect(asTokens.data).toEqual(asText.data)
    expect(asTokens.usage).toEqual({ prompt_tokens: input.length, total_tokens: input.length })
  })

  it('are returned in the order of their inputs and billed together', async () => {
    const input = ['first text', 'second text', 'third text']
    const answer = await embed('ada', { input })
    expect(answer.model).toBe('ada')
    expect(answer.data.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(answer.usage.prompt_tokens).toBe(6)
    const [second] = vectors(await embed('ada', { input: 'second text' }))
    expect(vectors(answer)[1]).toEqual(second)
  })
})
