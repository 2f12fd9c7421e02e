import { AzureOpenAI, BadRequestError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProgram, type RunningProgram } from '../support/built-program.ts'

/** 200 ms to the first token, then 40 ms a token, without spread. */
const firstTokenMs = 200
const tokenMs = 40
/** How late half of the tokens may be on a busy machine, which is far more than usual; nothing may ever be early. */
const slackMs = 400
/** A timer of the client may round down. */
const earlyMs = 3

let program: RunningProgram
let client: AzureOpenAI
beforeAll(async () => {
  program = await startProgram({
    env: {
      LATENCY_TIME_SCALE: '1',
      LATENCY_OPENAI_CHAT_COMPLETIONS_MEAN: String(tokenMs),
      LATENCY_OPENAI_CHAT_COMPLETIONS_STD_DEV: '0',
      LATENCY_OPENAI_CHAT_COMPLETIONS_FIRST_TOKEN_MEAN: String(firstTokenMs),
      LATENCY_OPENAI_EMBEDDINGS_MEAN: '300',
      LATENCY_OPENAI_EMBEDDINGS_STD_DEV: '0',
    },
  })
  client = new AzureOpenAI({ endpoint: program.url, apiKey: program.key, apiVersion: '2024-10-21' })
  // The first request of a process opens the connection and compiles the way of a request.
  await client.chat.completions.create(request(1))
})
afterAll(() => program.stop())

function request(tokens: number) {
  return {
    model: 'gpt-4o',
    messages: [{ role: 'user' as const, content: 'Hello' }],
    max_tokens: tokens,
  }
}

/** When each token of a stream came, in milliseconds from the request. */
async function tokenTimes(tokens: number): Promise<number[]> {
  const startedAt = performance.now()
  const times: number[] = []
  for await (const chunk of await client.chat.completions.create({ ...request(tokens), stream: true })) {
    if (chunk.choices[0]?.delta.content) times.push(performance.now() - startedAt)
  }
  return times
}

async function wholeTime(tokens: number): Promise<number> {
  const startedAt = performance.now()
  await client.chat.completions.create(request(tokens))
  return performance.now() - startedAt
}

/** The times that are too early, and all when half of them are too late, as text for the message of a failed test. */
function wrongTimes(times: readonly number[], dueMs: readonly number[]): string[] {
  const lateMs = times.map((time, index) => time - (dueMs[index] ?? Number.NaN))
  const median = lateMs.toSorted((a, b) => a - b)[Math.floor(lateMs.length / 2)] ?? Number.NaN
  return times.flatMap((time, index) => {
    const isRight = (lateMs[index] ?? Number.NaN) >= -earlyMs && median <= slackMs
    return isRight ? [] : [`${Math.round(time)} instead of ${dueMs[index]} ms`]
  })
}

/** The same for one time, which must be far nearer to when it was due than to another: longer by half a minute. */
function wrongTime(time: number, dueMs: number): string[] {
  return time >= dueMs - earlyMs && time <= dueMs + 10_000
    ? []
    : [`${Math.round(time)} instead of ${dueMs} ms`]
}

describe('the time of an answer', () => {
  const due = Array.from({ length: 12 }, (_, index) => firstTokenMs + index * tokenMs)

  it('sends each token of a stream on time, without accumulated delay', async () => {
    const times = await tokenTimes(12)
    expect(times).toHaveLength(12)
    expect(wrongTimes(times, due)).toEqual([])
  })

  it('is equal for a whole answer and its stream', async () => {
    expect(wrongTime(await wholeTime(12), due.at(-1) ?? Number.NaN)).toEqual([])
  })

  it('does not grow when twenty streams run concurrently', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, async () => tokenTimes(12)))
    for (const times of all) expect(wrongTimes(times, due)).toEqual([])
  })

  it('is one wait for an embeddings request of any size', async () => {
    const startedAt = performance.now()
    const input = Array.from({ length: 100 }, (_, index) => `text ${index}`)
    await client.embeddings.create({ model: 'text-embedding-3-small', input })
    expect(wrongTime(performance.now() - startedAt, 300)).toEqual([])
  })

  it('is not added to an error', async () => {
    const startedAt = performance.now()
    await expect(client.chat.completions.create({ ...request(1_000), n: 0 })).rejects.toThrow(BadRequestError)
    expect(wrongTime(performance.now() - startedAt, 0)).toEqual([])
  })
})
