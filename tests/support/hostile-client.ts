import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'
import { createSimulator } from '../../src/server/create-simulator.ts'
import type { SimulatorHandle, SimulatorOptions } from '../../src/server/simulator-handle.ts'
import { open } from './open-sockets.ts'
import { requestBytes } from './raw-http.ts'
import { collectInto, type LogLine } from './test-logger.ts'
import { deploymentPath, testKey } from './test-simulator.ts'

/** A simulator behind a port of loopback, and what it has logged. */
export interface ListeningSimulator extends AsyncDisposable {
  readonly sim: SimulatorHandle
  readonly port: number
  readonly log: readonly LogLine[]
  /** Asks for a short chat completion, and gives its status and how long that took. */
  ask(): Promise<{ readonly status: number; readonly ms: number }>
  /** How many requests are being answered. */
  inFlight(): Promise<number>
}

/** Starts a simulator that listens; it loads what the first answer needs before. */
export async function startListening(options: SimulatorOptions<'system'> = {}): Promise<ListeningSimulator> {
  const log: LogLine[] = []
  const sim = await createSimulator({ apiKey: testKey, seed: 'hostile', log: collectInto(log), ...options })
  const { url } = await sim.listen()
  const ask: ListeningSimulator['ask'] = async () => {
    const startMs = performance.now()
    const response = await fetch(`${url}${chatPath}`, { method: 'POST', headers, body: chatBody({}) })
    await response.text()
    return { status: response.status, ms: performance.now() - startMs }
  }
  await ask()
  return {
    sim,
    port: Number(new URL(url).port),
    log,
    ask,
    async inFlight() {
      return Number(/^aoai_requests_in_flight (\d+)$/m.exec(await sim.metrics())?.[1])
    },
    [Symbol.asyncDispose]: () => sim.close(),
  }
}

const headers = { 'api-key': testKey, 'content-type': 'application/json' }
const chatPath = deploymentPath('gpt-4o-mini', 'chat/completions')
const chatBody = (more: object): string =>
  JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 20, ...more })

/** The bytes of a chat request with the key. */
export function chatRequest(more: object = {}, moreHeaders: Readonly<Record<string, string>> = {}): string {
  return requestBytes({ path: chatPath, headers: { ...headers, ...moreHeaders }, body: chatBody(more) })
}

/** The head of a chat request that says nothing of its body. */
export const chatHead = `POST ${chatPath} HTTP/1.1\r\nHost: 127.0.0.1\r\napi-key: ${testKey}\r\nContent-Type: application/json\r\n`

/** The bytes received on a connection until its end, and the time of the end. */
export interface ReceivedText {
  readonly text: string
  readonly ms: number
}

/** Sends bytes, and reads until the server ends the connection. */
export async function tell(
  port: number,
  bytes: string | readonly string[],
  everyMs = 0,
): Promise<ReceivedText> {
  const socket = await open(port)
  const startMs = performance.now()
  const ended = untilEnd(socket)
  for (const part of typeof bytes === 'string' ? [bytes] : bytes) {
    if (socket.destroyed) break
    socket.write(part)
    if (everyMs > 0) await sleep(everyMs)
  }
  return { text: await ended, ms: performance.now() - startMs }
}

/** All that comes until the connection is closed. */
function untilEnd(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (data: string) => (text += data))
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve(text))
  })
}
