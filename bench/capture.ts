import { request } from 'node:http'
import type { BenchCase } from './cases.ts'

/** An answer in the format that reference-server.mjs reads. */
export interface Answer {
  readonly status: number
  /** Alternating names and values, as sent. */
  readonly headers: readonly string[]
  /** Base64. */
  readonly body: string
}

// node:http adds these itself.
const ownHeaders = new Set(['date', 'connection', 'keep-alive'])

/** Returns the first answer with the expected status of the case. A rate limit must first be used up. */
export async function capture(port: number, key: string, benchCase: BenchCase): Promise<Answer> {
  const seen: number[] = []
  while (seen.length < 20) {
    const answer = await sendRequest(port, key, benchCase)
    if (answer.status === benchCase.status) return answer
    seen.push(answer.status)
  }
  throw new Error(
    `Could not capture an answer for "${benchCase.name}": expected ${benchCase.status} (got ${seen.join(', ')}).`,
  )
}

function sendRequest(port: number, key: string, { path, prefix, texts, suffix }: BenchCase): Promise<Answer> {
  const headers = { 'api-key': key, 'content-type': 'application/json' }
  const { promise, resolve, reject } = withResolvers<Answer>()
  request(
    { host: '127.0.0.1', port, path: path.replace('{resource}', '0'), method: 'POST', headers, agent: false },
    (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject).once('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: withoutOwnHeaders(response.rawHeaders),
          body: Buffer.concat(chunks).toString('base64'),
        })
      })
    },
  )
    .once('error', reject)
    .end(prefix + (texts[0] ?? '') + suffix)
  return promise
}

function withoutOwnHeaders(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !ownHeaders.has((raw[index - (index % 2)] ?? '').toLowerCase()))
}

// Promise.withResolvers requires Node 22.
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: Error) => void = () => {}
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
