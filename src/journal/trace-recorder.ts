import { watchedEvents, watchedWhole } from '../answer/body.ts'
import { PushedChunks } from '../answer/pushed-chunks.ts'
import { clearTimeout, monotonicMs, setTimeout } from '../lib/real-timers.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { outcomeStatus, type Reply, type ReplyBody } from '../pipeline/reply.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { hasNoBody, isStream } from '../pipeline/stream-events.ts'
import { type RequestRecorder, type Trace, wantsTrace } from '../pipeline/trace.ts'
import { readRetryAfterMs } from './observe-calls.ts'
import { clientName } from './request-fingerprint.ts'
import type { TraceRecord, TraceSink } from './trace-ring.ts'
import { BodyCapture, bytesOf, type TracedBody, traceBody } from './traced-body.ts'

/** Samples requests of the data plane. */
export interface TraceSampler {
  /** Counts a request before its first stage, and records it if it is sampled. */
  begin(exchange: Exchange): void
}

export interface TraceSamplerOptions {
  readonly sink: TraceSink
  /** Name, in lower case, of the header in which requests name their test. */
  readonly testHeader: string
  /** Monotonic real time, also with a virtual clock. Default: that of Node.js. */
  readonly nowMs?: () => number
  /** Whether `seen` is called for each request. Otherwise at most once a second, which is cheap for a sink in another process. */
  readonly countsEach: boolean
}

const INTERVAL_MS = 1_000 / 20
/**
 * With more than `BUSY_REQUESTS` in the last second the interval is longer: a sample takes as much CPU time as about 30 other
 * requests, so that 20 a second would cost a load test at the maximum rate 2 % of its throughput.
 */
const BUSY_INTERVAL_MS = 1_000 / 2
const BUSY_REQUESTS = 1_000
/** So many requests are sampled after a pause, so that a test suite with one client finds all of its requests. */
const BURST = 200
const BURST_MS = (BURST - 1) * INTERVAL_MS
/**
 * Within a burst, so many requests at the same time and then one in this time. If the first requests of a load test were all
 * recorded, the process would stay about 10 % slower, because V8 would optimize for the recorded ones.
 */
const AT_ONCE = 5
const GAP_MS = 5
const AT_ONCE_MS = (AT_ONCE - 1) * GAP_MS

/** How often a process reports the number of requests to another one. */
const COUNT_INTERVAL_MS = 1_000

/**
 * Creates a sampler of 20 requests a second, of 2 a second while the process receives more than 1,000 a second, and of up to 200 after a
 * pause: five at the same time, and then 200 a second. Requests with `x-sim-trace: on` are always sampled.
 */
export function createTraceSampler({
  sink,
  testHeader,
  nowMs = monotonicMs,
  countsEach,
}: TraceSamplerOptions): TraceSampler {
  /** When the next request would be sampled if the samples were spread evenly. */
  let nextMs = 0
  /** The same for the gap within a burst. */
  let nextGapMs = 0
  let intervalMs = INTERVAL_MS
  /** The second in which requests are counted now. */
  let secondFromMs = -Infinity
  let inSecond = 0
  let uncounted = 0
  const report = (): void => {
    sink.seen(uncounted)
    uncounted = 0
  }
  const count = (): void => {
    if (countsEach) sink.seen(1)
    else if (uncounted++ === 0) setTimeout(report, COUNT_INTERVAL_MS).unref()
  }
  const isSampled = (exchange: Exchange): boolean => {
    const now = nowMs()
    inSecond++
    if (now - secondFromMs >= 1_000) {
      intervalMs = inSecond > BUSY_REQUESTS && now - secondFromMs < 2_000 ? BUSY_INTERVAL_MS : INTERVAL_MS
      secondFromMs = now
      inSecond = 0
    }
    if (nextMs > now + BURST_MS || nextGapMs > now + AT_ONCE_MS) return wantsTrace(exchange)
    nextGapMs = Math.max(nextGapMs, now) + GAP_MS
    nextMs = Math.max(nextMs, now) + intervalMs
    return true
  }
  return {
    begin(exchange) {
      count()
      if (isSampled(exchange)) exchange.recorder = new Recorder(exchange, sink, testHeader)
    },
  }
}

/** Maximum number of stored parts of an answer. */
const MAX_CHUNKS = 2_000

/** When a request that is still open is reported for the first time. The time doubles with each report. */
const FIRST_REPORT_MS = 250
const MAX_REPORT_MS = 60_000

const emptyBody: TracedBody = traceBody(Buffer.alloc(0))

/** Records one request. */
class Recorder implements RequestRecorder {
  fault: string | undefined
  readonly #exchange: Exchange
  readonly #sink: TraceSink
  readonly #testHeader: string
  readonly #lease: unknown
  readonly #epochMs: number
  readonly #body: TracedBody
  #trace: Trace | undefined
  /** The reply of the stages, in which usage can be set until the end. */
  #planned: Reply | undefined
  /** The reply that is sent: it can be another one, such as that of a failure, or have more headers. */
  #sent: Reply | undefined
  #outcome: Outcome | undefined
  #answer = new BodyCapture()
  readonly #plannedMs: number[] = []
  readonly #actualMs: number[] = []
  readonly #bytes: number[] = []
  readonly #keptBytes: number[] = []
  #chunksTotal = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(exchange: Exchange, sink: TraceSink, testHeader: string) {
    this.#exchange = exchange
    this.#sink = sink
    this.#testHeader = testHeader
    const { clock, startedMs, body, headers } = exchange
    this.#epochMs = clock.epochMs() - clock.nowMs() + startedMs
    this.#body = body.length === 0 ? emptyBody : traceBody(body, headers['content-type'])
    this.#lease = sink.opened(this.#record(), () => this.#record())
    this.#reportIn(FIRST_REPORT_MS)
    exchange.onEnd((outcome) => {
      this.#outcome = outcome
      clearTimeout(this.#timer)
      // A stage that waits learns of the disconnect later.
      if (this.#planned ?? this.#sent) this.#end()
      else sink.updated(this.#lease, this.#record())
    })
  }

  tracing(trace: Trace): void {
    this.#trace = trace
  }

  planned(reply: Reply): void {
    this.#planned = reply
    if (this.#outcome) this.#end()
  }

  sending(reply: Reply): Reply {
    const { body, status, interruption } = reply
    const isBodiless = hasNoBody(this.#exchange.method, status)
    const isSentInParts = body.kind === 'whole' && interruption !== undefined
    const sent = isBodiless || isSentInParts ? reply : { ...reply, body: this.#watched(reply, body) }
    this.#sent = sent
    if (this.#outcome && !this.#planned) this.#end()
    return sent
  }

  wrote(part: Uint8Array, plannedMs: number | undefined): void {
    this.#add(plannedMs, part)
  }

  /** Returns a body with the same bytes that reports its parts when they are rendered, just before they are written. */
  #watched({ schedule }: Reply, body: ReplyBody): ReplyBody {
    if (body.kind === 'whole') return watchedWhole(body, (content) => this.#add(schedule?.endMs, content))
    if (body.kind === 'live') return { kind: 'live', chunks: this.#watchedChunks(body.chunks) }
    return watchedEvents(body, (text, step) =>
      this.#add(schedule && (schedule.stepsMs[step] ?? schedule.endMs), text),
    )
  }

  #watchedChunks(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const push = (chunk: Uint8Array): Uint8Array => {
      if (chunk.byteLength > 0) this.#add(undefined, chunk)
      return chunk
    }
    if (chunks instanceof PushedChunks)
      return chunks.through({ push, end: () => undefined, fail: (error) => ({ error }) })
    return {
      [Symbol.asyncIterator]() {
        const inner = chunks[Symbol.asyncIterator]()
        return {
          next: async () => {
            const result = await inner.next()
            if (result.done !== true) push(result.value)
            return result
          },
          return: async (value) => (await inner.return?.(value)) ?? { done: true, value: undefined },
        }
      },
    }
  }

  #add(plannedMs: number | undefined, content: string | Uint8Array): void {
    // A client that has disconnected gets nothing more.
    if (this.#outcome) return
    const bytes = bytesOf(content)
    const keptBytes = this.#answer.add(bytes)
    this.#chunksTotal++
    if (this.#bytes.length === MAX_CHUNKS) return
    this.#plannedMs.push(plannedMs ?? NaN)
    this.#actualMs.push(this.#elapsedMs())
    this.#bytes.push(bytes.length)
    this.#keptBytes.push(keptBytes)
  }

  #elapsedMs(): number {
    const { clock, startedMs } = this.#exchange
    return clock.nowMs() - startedMs
  }

  #reportIn(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#sink.updated(this.#lease, this.#record())
      this.#reportIn(Math.min(2 * delayMs, MAX_REPORT_MS))
    }, delayMs).unref()
  }

  #end(): void {
    this.#sink.ended(this.#lease, this.#record())
  }

  #record(): TraceRecord {
    const exchange = this.#exchange
    const reply = this.#planned ?? this.#sent
    const trace = this.#trace
    const outcome = this.#outcome
    const { route, upstreamCall } = exchange
    const streamed = reply !== undefined && isStream(reply)
    const [firstMs] = this.#actualMs
    return {
      epochMs: this.#epochMs,
      requestId: exchange.id,
      method: exchange.method,
      path: exchange.path,
      query: exchange.query,
      headers: exchange.headers,
      body: this.#body,
      operation: route?.operation,
      resource: exchange.resource,
      deployment: deploymentOf(exchange) ?? route?.deploymentName,
      spilledOverFrom: exchange.spilledOverFrom,
      upstream: upstreamCall?.upstream,
      client: clientName(exchange, this.#testHeader),
      caller: exchange.caller,
      refusal: exchange.refusal,
      status: this.#sent?.status ?? reply?.status,
      streamErrorStatus: reply?.streamErrorStatus,
      limitedBy: reply?.limitedBy,
      retryAfterMs:
        reply && outcomeStatus(reply) >= 400
          ? readRetryAfterMs(reply.headers, exchange.clock.epochMs())
          : undefined,
      fault: this.fault,
      upstreamFailure: upstreamCall?.message ?? upstreamCall?.code,
      answeredBy: reply && (trace?.answerer ?? 'listener'),
      usage: reply?.usage,
      streamed,
      queuedMs: exchange.queuedMs,
      firstByteMs: outcome?.firstByteMs ?? firstMs,
      firstTokenMs: reply?.firstTokenMs ?? (streamed && outcomeStatus(reply) < 400 ? firstMs : undefined),
      durationMs: outcome?.endMs,
      aborted: outcome?.aborted,
      cut: outcome && !outcome.aborted ? cutOf(this.#sent) : undefined,
      isOpen: outcome === undefined,
      answerHeaders: this.#isHeadSent ? (this.#sent?.headers.raw ?? []) : [],
      answerBody: this.#answer.body,
      steps: trace?.steps ?? [],
      chunks: {
        plannedMs: this.#plannedMs,
        actualMs: this.#actualMs,
        bytes: this.#bytes,
        keptBytes: this.#keptBytes,
      },
      chunksTotal: this.#chunksTotal,
    }
  }

  get #isHeadSent(): boolean {
    if (!this.#sent || this.#sent.interruption?.at === 'head') return false
    const { body, schedule } = this.#sent
    if (this.#chunksTotal > 0 || body.kind === 'live') return true
    const isComplete = this.#outcome?.aborted === false
    return isComplete || (this.#outcome?.endMs ?? this.#elapsedMs()) >= (schedule?.headMs ?? Infinity)
  }
}

/** How a fault cuts the connection of a reply. */
function cutOf(reply: Reply | undefined): 'reset' | 'close' | undefined {
  const how = reply?.interruption?.how
  return typeof how === 'number' ? undefined : how
}
