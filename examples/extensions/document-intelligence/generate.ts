import { type Exchange, type Generator, jsonReply, textReply } from 'aoai-simulated-api/extension'
import { analyzeResult } from './analyze-result.ts'
import { resultPath, submitPath } from './paths.ts'

/** The service forgets results after a day. */
const keptMs = 24 * 60 * 60 * 1_000

/** An analysis takes a second, and another one for each 500 kB of the document. */
const shortestMs = 1_000
const bytesPerMs = 500

/** Takes a document: 202, and where the result will be. */
export const submit: Generator = (exchange) => {
  const { method, path } = exchange
  if (method !== 'POST' || !submitPath.test(path)) return undefined
  const version = encodeURIComponent(exchange.apiVersion ?? '2024-11-30')
  const reply = textReply('', {
    status: 202,
    headers: {
      // The hook puts the simulator's address in front.
      'Operation-Location': `${path.replace(/:analyze$/, '/analyzeResults/')}${createId(exchange)}?api-version=${version}`,
      'Retry-After': 1,
    },
  })
  reply.headers.delete('Content-Type')
  return reply
}

/** Tells how far the analysis is, and at last its result. */
export const giveResult: Generator = (exchange) => {
  const match = exchange.method === 'GET' && resultPath.exec(exchange.path)
  if (!match) return undefined
  const [, modelId = '', id = ''] = match
  const { submittedMs, bytes } = readId(id)
  const nowMs = exchange.clock.epochMs()
  if (Math.abs(nowMs - submittedMs) > keptMs) {
    return jsonReply({ error: { code: 'NotFound', message: 'Resource not found.' } }, { status: 404 })
  }
  const workMs = (shortestMs + bytes / bytesPerMs) * exchange.config.latency.timeScale
  const isDone = nowMs >= submittedMs + workMs
  const apiVersion = exchange.apiVersion ?? '2024-11-30'
  return jsonReply({
    status: isDone ? 'succeeded' : 'running',
    createdDateTime: timeOf(submittedMs),
    lastUpdatedDateTime: timeOf(isDone ? submittedMs + workMs : nowMs),
    ...(isDone && { analyzeResult: analyzeResult(modelId, apiVersion, bytes) }),
  })
}

/**
 * An id that holds all that the result needs. So nothing is kept, however many clients hand in documents and never come
 * back, and several simulators behind one address answer for each other.
 */
function createId({ clock, random, body }: Exchange): string {
  const time = hex(Math.floor(clock.epochMs()), 12)
  const chance = hex(random.bits(), 8)
  return [time.slice(0, 8), time.slice(8), chance.slice(0, 4), chance.slice(4), hex(body.length, 12)].join(
    '-',
  )
}

function readId(id: string): { submittedMs: number; bytes: number } {
  const digits = id.replaceAll('-', '')
  return { submittedMs: parseInt(digits.slice(0, 12), 16), bytes: parseInt(digits.slice(20), 16) }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
