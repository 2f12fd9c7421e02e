import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { key, type Server } from './servers.ts'

/** A simulator under attack. */
export interface Target extends Server {
  /** Its working directory, which holds what `files` of the case has written. */
  readonly folder: string
  /** The program's main.js. */
  readonly program: string
}

/** What can be tried on a simulator, and the settings with which it is started. */
export interface HostileCase {
  readonly name: string
  /** Settings beside the usual ones. `FOLDER` in a value stands for the working directory. */
  readonly env?: NodeJS.ProcessEnv
  /** Writes files into the working directory before the start. */
  readonly files?: (folder: string) => void
  /** Starts what the simulator needs, such as an upstream, and gives more settings and what ends it. */
  readonly before?: () => Promise<{ readonly env: NodeJS.ProcessEnv; readonly end: () => void }>
  /** Attacks, and says what was answered. */
  readonly attack: (target: Target) => Promise<string>
}

/** Longest that one answer is waited for; the longest of a case is more. */
const answerLimitMs = 60_000

/** What a request needs beside the defaults: a POST of JSON with the key. */
export interface Attempt {
  readonly path: string
  readonly method?: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** Path of a deployment that every case has: any name is one. */
export const chatPath = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21'

/** A chat request as JSON; members replace those of the default. */
export function chat(members: object): string {
  return JSON.stringify({ messages: [{ role: 'user', content: 'x' }], max_tokens: 5, ...members })
}

/** A chat request with one more member, whose JSON is given as it is. */
export function chatWith(name: string, json: string): string {
  return `{"messages":[{"role":"user","content":"x"}],"max_tokens":5,"${name}":${json}}`
}

/** Sends a request on a connection of its own and reads the answer: its status, or what became of it. */
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

/** Sends requests one after the other; ends with the first that gets no answer. */
export async function sendEach(target: Target, attempts: Iterable<Attempt>): Promise<string> {
  const told: string[] = []
  for (const attempt of attempts) {
    const status = await send(target, attempt)
    told.push(status)
    if (!/^\d+$/.test(status)) break
  }
  return tally(told)
}

/** Sends requests side by side. */
export async function sendAll(target: Target, attempts: readonly Attempt[]): Promise<string> {
  return tally(await Promise.all(attempts.map((attempt) => send(target, attempt))))
}

/** The same request so many times. */
export function times(count: number, attempt: Attempt): Attempt[] {
  return Array.from({ length: count }, () => attempt)
}

/** How often each answer came: `400 x16, ECONNRESET`. */
export function tally(told: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const what of told) counts.set(what, (counts.get(what) ?? 0) + 1)
  return [...counts].map(([what, count]) => (count === 1 ? what : `${what} x${count}`)).join(', ')
}

/** Opens connections, writes the same bytes to each, and reads nothing. */
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

/** The bytes of a request. `announcedBytes` may say that its body is longer than it is. */
export function requestBytes(path: string, body: string, announcedBytes = body.length, apiKey = key): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\napi-key: ${apiKey}\r\nContent-Type: application/json\r\nContent-Length: ${announcedBytes}\r\n\r\n${body}`
}

/** What came on each connection so far: the status, or nothing; needs `collect` beforehand. */
export function collect(sockets: readonly Socket[]): () => string {
  const firsts = sockets.map(() => 'nothing')
  for (const [index, socket] of sockets.entries()) {
    socket.once('data', (data: Buffer) => (firsts[index] = data.toString('latin1', 9, 12)))
  }
  return () => tally(firsts)
}

/** A recording file with one chat request, its answer being `answer`: further YAML of `response`. */
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
