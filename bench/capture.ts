import { request } from 'node:http'
import type { BenchCase } from './cases.ts'

/** An answer in the form that reference-server.mjs reads. */
export interface Answer {
  readonly status: number
  /** Names and values in turn, as they were sent. */
  readonly headers: readonly string[]
  /** In base64. */
  readonly body: string
}

// node:http adds these by itself.
const ownHeaders = new Set(['date', 'connection', 'keep-alive'])

/** The first answer with the status that the case is about; a window may have to fill before it comes. */
export async function capture(port: number, key: string, benchCase: BenchCase): Promise<Answer> {
  const seen: number[] = []
  while (seen.length < 20) {
    const answer = await ask(port, key, benchCase)
    if (answer.status === benchCase.status) return answer
    seen.push(answer.status)
  }
  throw new Error(
    `Could not capture an answer for "${benchCase.name}": wanted ${benchCase.status} (got ${seen.join(', ')}).`,
  )
}

function ask(port: number, key: string, { path, prefix, texts, suffix }: BenchCase): Promise<Answer> {
  const headers = { 'api-key': key, 'content-type': 'application/json' }
  const { promise, resolve, reject } = withResolvers<Answer>()
  request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.once('error', reject).once('end', () => {
      resolve({
        status: response.statusCode ?? 0,
        headers: withoutOwnHeaders(response.rawHeaders),
        body: Buffer.concat(chunks).toString('base64'),
      })
    })
  })
    .once('error', reject)
    .end(prefix + (texts[0] ?? '') + suffix)
  return promise
}

function withoutOwnHeaders(raw: readonly string[]): string[] {
  return raw.filter((_, index) => !ownHeaders.has((raw[index - (index % 2)] ?? '').toLowerCase()))
}

// Promise.withResolvers came with Node 22.
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: Error) => void = () => {}
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
