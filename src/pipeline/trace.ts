import { printable } from '../lib/format-text.ts'
import type { Exchange, Outcome } from './exchange.ts'
import { HeaderList, type Reply } from './reply.ts'
import { type Run, type ReplyOrPromise, type NamedStage, type Stage, mapMaybe } from './stage.ts'

/** Request header that enables the trace of a request, and response header that names what answered it. */
export const traceHeader = 'x-sim-trace'

/** Maximum length of the name of an extension or a file in a header, in characters. */
const MAX_DETAIL_LENGTH = 80

/** A stage in the trace of a request. Times are milliseconds of the clock of the exchange. */
interface Span {
  readonly name: string
  /** The name of an extension. */
  readonly detail: string | undefined
  readonly startMs: number
  /** Time within `next()`, which the inner stages took. */
  innerMs: number
  endMs: number | undefined
  /** Whether it returned another body or status than the inner stages. */
  hasChanged: boolean
}

/** A stage of a request with its times, in milliseconds from the start of the request. */
export interface TraceStep {
  /** A stage or a source, or `queue`: the time in which `latency` waited for a slot. */
  readonly name: string
  /** Name of the extension. */
  readonly detail: string | undefined
  readonly startMs: number
  /** Time without the inner stages. */
  readonly ownMs: number
  /** Time until the stage returned; until now if it has not returned. */
  readonly totalMs: number
  /** Whether it returned another body or status than the inner stages. */
  readonly changed: boolean
}

/** Records a sampled request. */
export interface RequestRecorder {
  /** Name of the injected fault; set in the stage `faults`. */
  fault: string | undefined
  /** Called with the trace of the request before its first stage. */
  tracing(trace: Trace): void
  /** Called with the reply of the stages. Usage and the time of the first token can be set in it later. */
  planned(reply: Reply): void
  /** Called with the reply before it is sent. Returns the same reply, which also reports its parts when they are rendered. */
  sending(reply: Reply): Reply
  /** Called with a part of a complete body that a fault interrupts, when it is written. */
  wrote(part: Uint8Array, plannedMs: number | undefined): void
}

/** A stage or a source in a trace. */
type Traced = Omit<NamedStage, 'name'> & { readonly name: string }

/** The trace of a request: its stages in order, with their times. */
export class Trace {
  readonly #exchange: Exchange
  readonly #spans: Span[] = []
  /** The innermost stage that failed, until a stage handles the error. */
  #failing: Span | undefined
  /** What answered, if it is not the last stage that was called. */
  #answerer: string | undefined
  #plannedMs: number | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** Records that a generator or forwarder of an extension answers instead of the source. */
  answeredByExtension(name: string): void {
    this.#answerer = `extension ${name}`
  }

  /** Records that the current error has become the answer. */
  answeredByFailure(): void {
    if (this.#failing) this.#answerer = `failure in ${describe(this.#failing)}`
    this.#failing = undefined
  }

  /** Records the end of all stages. The answer is sent afterwards. */
  planned(): void {
    this.#plannedMs = this.#exchange.clock.nowMs()
  }

  /** What answered: a source with the location of its recording, an extension, or the stage that rejected the request. */
  get answerer(): string {
    const last = this.#spans.at(-1)
    const { answeredBy } = this.#exchange
    const who = this.#answerer ?? (last ? describe(last) : '')
    const isRecording = typeof answeredBy === 'object'
    if (isRecording) return asHeaderText(`${who} ${recordingLocation(answeredBy)}`)
    if (who !== 'replay' || answeredBy === undefined) return asHeaderText(who)
    // Whether the answer of the real service is recorded is known only after it has been sent.
    return `replay, ${answeredBy.endsWith('recorded') ? 'asked the real service' : answeredBy}`
  }

  /** Returns the stages with their own times, and the due times of the reply, in the format of the header Server-Timing. */
  serverTiming(reply: Reply): string {
    const { startedMs, clock, queuedMs } = this.#exchange
    const nowMs = this.#plannedMs ?? clock.nowMs()
    const entries = this.#spans.flatMap((span) => {
      const ownMs = (span.endMs ?? nowMs) - span.startMs - span.innerMs
      const isQueue = span.name === 'latency' && queuedMs > 0
      const own = entry(span.name, isQueue ? ownMs - queuedMs : ownMs, descriptionOf(span))
      return isQueue ? [own, entry('queue', queuedMs)] : [own]
    })
    return [...entries, entry('total', nowMs - startedMs), ...plannedEntries(reply)].join(', ')
  }

  /** The stages in order. */
  get steps(): TraceStep[] {
    const { startedMs, clock, queuedMs } = this.#exchange
    const nowMs = this.#plannedMs ?? clock.nowMs()
    return this.#spans.flatMap((span) => {
      const isQueue = span.name === 'latency' && queuedMs > 0
      const totalMs = (span.endMs ?? nowMs) - span.startMs
      const step = {
        name: span.name,
        detail: span.detail,
        startMs: span.startMs - startedMs,
        ownMs: Math.max(0, totalMs - span.innerMs - (isQueue ? queuedMs : 0)),
        totalMs,
        changed: span.hasChanged,
      }
      const queue = {
        ...step,
        name: 'queue',
        detail: undefined,
        ownMs: queuedMs,
        totalMs: queuedMs,
        changed: false,
      }
      return isQueue ? [step, queue] : [step]
    })
  }

  /** Runs a stage and records its time. */
  run({ name, extension, stage }: Traced, next: () => ReplyOrPromise): ReplyOrPromise {
    const { clock } = this.#exchange
    const span: Span = {
      name,
      detail: extension,
      startMs: clock.nowMs(),
      innerMs: 0,
      endMs: undefined,
      hasChanged: false,
    }
    this.#spans.push(span)
    let inner: Pick<Reply, 'body' | 'status' | 'service'> | undefined
    const tracedNext = (): ReplyOrPromise => {
      const leftMs = clock.nowMs()
      return settled(next, (reply) => {
        span.innerMs += clock.nowMs() - leftMs
        // A copy, because a stage can modify the reply.
        inner = reply && { body: reply.body, status: reply.status, service: reply.service }
      })
    }
    return settled(
      () => stage(this.#exchange, tracedNext),
      (reply) => {
        span.endMs = clock.nowMs()
        if (!reply) this.#failing ??= span
        else {
          span.hasChanged =
            inner !== undefined &&
            // The stage `service-headers` completes the reply of another stage.
            inner.service === reply.service &&
            (inner.body !== reply.body || inner.status !== reply.status)
          // The stage has handled the error of an inner stage.
          if (this.#failing) this.#answerer = describe(span)
          this.#failing = undefined
        }
      },
    )
  }
}

const traces = new WeakMap<Exchange, Trace>()

/** Returns the trace of a request; undefined if it is not traced. */
export function traceOf(exchange: Exchange): Trace | undefined {
  return traces.get(exchange)
}

const noNextStage = (): never => {
  throw new Error('There is no stage after the source.')
}

/** Wraps a stage so that it records its times in the trace of the request. */
export function traced(named: NamedStage): NamedStage {
  const stage: Stage = (exchange, next) => {
    const trace = traceOf(exchange)
    return trace ? trace.run(named, next) : named.stage(exchange, next)
  }
  // Errors of the chain contain the name of a hook that calls next() twice.
  return { ...named, stage: Object.defineProperty(stage, 'name', { value: named.stage.name }) }
}

/** Wraps a source so that it records its times in the trace of the request. */
export function tracedSource(nameOf: (exchange: Exchange) => string, source: Run): Run {
  return (exchange) => {
    const trace = traceOf(exchange)
    return trace ? trace.run({ name: nameOf(exchange), stage: source }, noNextStage) : source(exchange)
  }
}

/** Called when the answer of a traced request has been sent. */
export type OnTrace = (exchange: Exchange, trace: Trace, reply: Reply, outcome: Outcome) => void

/** Traces requests in a chain of traced stages. Adds headers if the request has `x-sim-trace`, and calls `onTrace`. */
export function withTrace(run: Run, onTrace: OnTrace | undefined): Run {
  return (exchange) => {
    const trace = new Trace(exchange)
    traces.set(exchange, trace)
    exchange.recorder?.tracing(trace)
    return mapMaybe(run(exchange), (reply) => {
      trace.planned()
      exchange.recorder?.planned(reply)
      if (onTrace) exchange.onEnd((outcome) => onTrace(exchange, trace, reply, outcome))
      if (!wantsTrace(exchange)) return reply
      // A copy, because an extension can return one reply for several requests.
      const headers = new HeaderList([...reply.headers.raw])
      // A recorded or forwarded answer can already have the header. Clients read both.
      headers.append('Server-Timing', trace.serverTiming(reply))
      headers.append(traceHeader, trace.answerer)
      return { ...reply, headers }
    })
  }
}

/** Returns whether a request has `x-sim-trace: on`, and SIM_HEADERS allows it. */
export function wantsTrace({ headers, config }: Exchange): boolean {
  return headers[traceHeader] === 'on' && config.simHeaders
}

/** Returns the file and line of a recording, without its folder. */
export function recordingLocation({
  file,
  line,
}: Exclude<Exchange['answeredBy'], string | undefined>): string {
  return `${file?.replace(/^.*[\\/]/, '') ?? 'recorded since the start'}:${line}`
}

/** Returns the due times of a reply, in milliseconds from the start of the request. */
function plannedEntries({ schedule, body }: Reply): string[] {
  if (!schedule) return []
  const { stepsMs, endMs } = schedule
  if (body.kind !== 'events') return [entry('due', endMs)]
  const firstMs = body.count > 0 ? (stepsMs[body.stepOf(0)] ?? endMs) : endMs
  return [entry('first-event', firstMs), entry('last-event', endMs)]
}

function descriptionOf({ detail, hasChanged }: Span): string | undefined {
  const parts = [detail, hasChanged ? 'changed the answer' : undefined].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : parts.join(', ')
}

function describe({ name, detail }: Span): string {
  return detail === undefined ? name : `${name} ${detail}`
}

function entry(name: string, durationMs: number, description?: string): string {
  const quoted = description && `;desc="${asHeaderText(description).replaceAll(/["\\]/g, '\\$&')}"`
  return `${name}${quoted ?? ''};dur=${Math.max(0, durationMs).toFixed(3)}`
}

/** Shortens a text, and replaces characters that are not valid in a header. */
function asHeaderText(text: string): string {
  const short = text.length > MAX_DETAIL_LENGTH ? `${text.slice(0, MAX_DETAIL_LENGTH - 3)}...` : text
  return printable(short).replaceAll(/[^\x20-\x7e]/g, '?')
}

/** Calls `run`, and then `done` with its reply, or without one if it fails. */
function settled(run: () => ReplyOrPromise, done: (reply?: Reply) => void): ReplyOrPromise {
  const failed = (error: unknown): never => {
    done()
    throw error
  }
  const known = (reply: Reply): Reply => {
    done(reply)
    return reply
  }
  let answer: ReplyOrPromise
  try {
    answer = run()
  } catch (error) {
    return failed(error)
  }
  return answer instanceof Promise ? answer.then(known, failed) : known(answer)
}
