import { type Exchange, type Generator, jsonReply, textReply } from 'aoai-simulated-api/extension'
import { analyzeResult } from './analyze-result.ts'
import { resultPath, submitPath } from './paths.ts'

/** The service keeps results for a day. */
const RETENTION_MS = 24 * 60 * 60 * 1_000

/** An analysis takes 1 s, plus 1 s for each 500 kB of the document. */
const MIN_ANALYSIS_MS = 1_000
const BYTES_PER_MS = 500

/** Accepts a document: 202 with the URL of the result. */
export const submit: Generator = (exchange) => {
  const { method, path } = exchange
  if (method !== 'POST' || !submitPath.test(path)) return undefined
  const version = encodeURIComponent(exchange.apiVersion ?? '2024-11-30')
  const reply = textReply('', {
    status: 202,
    headers: {
      // The hook adds the simulator's origin.
      'Operation-Location': `${path.replace(/:analyze$/, '/analyzeResults/')}${createId(exchange)}?api-version=${version}`,
      'Retry-After': 1,
    },
  })
  reply.headers.delete('Content-Type')
  return reply
}

/** Returns the status of the analysis, and its result when it is done. */
export const giveResult: Generator = (exchange) => {
  const match = exchange.method === 'GET' && resultPath.exec(exchange.path)
  if (!match) return undefined
  const [, modelId = '', id = ''] = match
  const { submittedMs, bytes } = readId(id)
  const nowMs = exchange.clock.epochMs()
  if (Math.abs(nowMs - submittedMs) > RETENTION_MS) {
    return jsonReply({ error: { code: 'NotFound', message: 'Resource not found.' } }, { status: 404 })
  }
  const workMs = (MIN_ANALYSIS_MS + bytes / BYTES_PER_MS) * exchange.config.latency.timeScale
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
 * The id contains everything that the result needs. No state is kept, and several simulators behind one address can
 * answer for each other.
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
