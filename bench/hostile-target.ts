import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { key, type Server } from './servers.ts'

/** A simulator under attack. */
export interface Target extends Server {
  /** Working directory with the files of the case. */
  readonly folder: string
  /** Path of the simulator's main.js. */
  readonly program: string
}

/** An attack, with the settings of the simulator. */
export interface HostileCase {
  readonly name: string
  /** Settings in addition to the defaults. `FOLDER` in a value is replaced by the working directory. */
  readonly env?: NodeJS.ProcessEnv
  /** Writes files into the working directory before the start. */
  readonly files?: (folder: string) => void
  /**
   * Starts dependencies of the simulator, such as an upstream. Returns further settings and a function that stops the
   * dependencies.
   */
  readonly before?: () => Promise<{ readonly env: NodeJS.ProcessEnv; readonly end: () => void }>
  /** Runs the attack. Returns a summary of the answers. */
  readonly attack: (target: Target) => Promise<string>
}

/** Timeout of one answer in milliseconds. A case can take longer. */
const answerLimitMs = 60_000

/** A request. The default is a POST of JSON with the key. */
export interface Attempt {
  readonly path: string
  readonly method?: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Path of a chat request. Every deployment name exists in these cases. */
export const chatPath = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'

/** Returns a chat request as JSON. `members` replace the default members. */
export function chat(members: object): string {
  return JSON.stringify({ messages: [{ role: 'user', content: 'x' }], max_tokens: 5, ...members })
}

/** Returns a chat request with an additional member of raw JSON. */
export function chatWith(name: string, json: string): string {
  return `{"messages":[{"role":"user","content":"x"}],"max_tokens":5,"${name}":${json}}`
}

/** Sends a request on a separate connection. Returns the status of the answer, or the error. */
export function send({ port }: Target, attempt: Attempt): Promise<string> {
  const { path, method = 'POST', body, headers } = attempt
  return new Promise((resolve) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method,
      agent: false,
      headers: { 'api-key': key, 'content-type': 'application/json', ...headers } as IncomingHttpHeaders,
    })
    const limit = setTimeout(() => {
      resolve('no answer')
      request.destroy()
    }, answerLimitMs)
    const done = (what: string): void => {
      clearTimeout(limit)
      resolve(what)
    }
    request.on('response', (response) => {
      response.resume()
      response.on('end', () => done(String(response.statusCode)))
      response.on('error', () => done('cut'))
    })
    request.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'cut'))
    request.end(body)
  })
}

/** Sends requests one after another. Stops at the first one without an answer. */
export async function sendEach(target: Target, attempts: Iterable<Attempt>): Promise<string> {
  const results: string[] = []
  for (const attempt of attempts) {
    const status = await send(target, attempt)
    results.push(status)
    if (!/^\d+$/.test(status)) break
  }
  return tally(results)
}

/** Sends requests concurrently. */
export async function sendAll(target: Target, attempts: readonly Attempt[]): Promise<string> {
  return tally(await Promise.all(attempts.map((attempt) => send(target, attempt))))
}

/** Returns `count` times the same request. */
export function times(count: number, attempt: Attempt): Attempt[] {
  return Array.from({ length: count }, () => attempt)
}

/** Counts equal results: `400 x16, ECONNRESET`. */
export function tally(results: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const what of results) counts.set(what, (counts.get(what) ?? 0) + 1)
  return [...counts].map(([what, count]) => (count === 1 ? what : `${what} x${count}`)).join(', ')
}

/** Opens connections, writes the same bytes to each, and does not read. */
export async function openSilent(target: Target, count: number, bytes: string | Buffer): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let index = 0; index < count; index++) {
    const socket = connect(target.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(bytes)
    sockets.push(socket)
    await sleep(5)
  }
  return sockets
}

/** Returns the bytes of a request. `announcedBytes` can be larger than the body. */
export function requestBytes(path: string, body: string, announcedBytes = body.length, apiKey = key): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\napi-key: ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${announcedBytes}\r\n\r\n${body}`
}

/**
 * Collects the status received on each connection. Must be called before the answers arrive; the returned function
 * summarizes the results.
 */
export function collect(sockets: readonly Socket[]): () => string {
  const firsts = sockets.map(() => 'nothing')
  for (const [index, socket] of sockets.entries()) {
    socket.once('data', (data: Buffer) => (firsts[index] = data.toString('latin1', 9, 12)))
  }
  return () => tally(firsts)
}

/** Returns a recording file with one chat request. `answer` is additional YAML of `response`. */
export function recordingOf(requestBody: string, answer = "body:\n      string: '{}'"): string {
  return `version: 1
interactions:
- request:
    method: POST
    uri: https://sample.openai.azure.com${chatPath}
    body: '${requestBody}'
    headers:
      content-type: [application/json]
  response:
    status: {code: 200, message: OK}
    headers:
      content-type: [application/json]
    ${answer}
`
}
