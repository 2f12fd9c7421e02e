import { printable } from '../lib/format-text.ts'
import type { Exchange, Outcome } from './exchange.ts'
import { HeaderList, type Reply } from './reply.ts'
import { type Run, type ReplyOrPromise, type NamedStage, type Stage, mapMaybe } from './stage.ts'

/** The header that asks for the trace of a request, and the one that tells who answered it. */
export const traceHeader = 'x-sim-trace'

/** Longest name of an extension or a file in a header, in characters. */
const MAX_DETAIL = 80

/** One stage that a request has met. Times are milliseconds of the exchange's clock. */
interface Span {
  readonly name: string
  /** The name of an extension. */
  readonly detail: string | undefined
  readonly startMs: number
  /** Time within `next()`, which belongs to the stages behind this one. */
  innerMs: number
  endMs: number | undefined
  /** Whether it gave another body or another status than the stages behind it. */
  hasChanged: boolean
}

/** A stage, or a source, that is run with its time noted. */
type Traced = Omit<NamedStage, 'name'> & { readonly name: string }

/** The stages that one request has met, in order. */
export class Trace {
  readonly #exchange: Exchange
  readonly #spans: Span[] = []
  /** The stage whose failure is under way; the first one that notes it is the innermost. */
  #failing: Span | undefined
  /** Who answered, where it is not the last stage that was asked. */
  #answerer: string | undefined
  #plannedMs: number | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** Notes that a part of an extension answers in the place of the source: a generator or a forwarder. */
  answeredByExtension(name: string): void {
    this.#answerer = `extension ${name}`
  }

  /** Notes that the failure under way has become the answer. */
  answeredByFailure(): void {
    if (this.#failing) this.#answerer = `failure in ${describe(this.#failing)}`
    this.#failing = undefined
  }

  /** Notes that all stages have been left: what follows is the sending. */
  planned(): void {
    this.#plannedMs = this.#exchange.clock.nowMs()
  }

  /** Who answered: a source with the place of its recording, an extension, or the stage that refused. */
  get answerer(): string {
    const last = this.#spans.at(-1)
    const { answeredBy } = this.#exchange
    const who = this.#answerer ?? (last ? describe(last) : '')
    const isPlace = typeof answeredBy === 'object'
    if (isPlace) return asHeaderText(`${who} ${placeText(answeredBy)}`)
    if (who !== 'replay' || answeredBy === undefined) return asHeaderText(who)
    // Whether the answer of the real service is recorded is not known before it has been sent.
    return `replay, ${answeredBy.endsWith('recorded') ? 'asked the real service' : answeredBy}`
  }

  /** The stages and their own times in the form of the header Server-Timing, followed by what the reply waits for. */
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

  /** Runs a stage, and notes its time. */
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
        // A copy, because a stage may change the reply in place.
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
            // The stage of the service's headers writes what another stage has found.
            inner.service === reply.service &&
            (inner.body !== reply.body || inner.status !== reply.status)
          // It has rescued what failed behind it.
          if (this.#failing) this.#answerer = describe(span)
          this.#failing = undefined
        }
      },
    )
  }
}

const traces = new WeakMap<Exchange, Trace>()

/** The trace of a request; undefined for one that is not traced. */
export function traceOf(exchange: Exchange): Trace | undefined {
  return traces.get(exchange)
}

const nothingBehind = (): never => {
  throw new Error('There is no stage behind the source.')
}

/** Makes a stage that notes its times on the trace of the request. */
export function traced(named: NamedStage): NamedStage {
  const stage: Stage = (exchange, next) => {
    const trace = traceOf(exchange)
    return trace ? trace.run(named, next) : named.stage(exchange, next)
  }
  // The chain names a hook that calls next() twice.
  return { ...named, stage: Object.defineProperty(stage, 'name', { value: named.stage.name }) }
}

/** Does the same for the source, which is named by the request. */
export function tracedSource(nameOf: (exchange: Exchange) => string, source: Run): Run {
  return (exchange) => {
    const trace = traceOf(exchange)
    return trace ? trace.run({ name: nameOf(exchange), stage: source }, nothingBehind) : source(exchange)
  }
}

/** Called when the answer of a traced request has been sent. */
export type OnTrace = (exchange: Exchange, trace: Trace, reply: Reply, outcome: Outcome) => void

/** Traces the requests of a chain of traced stages: in headers where the request asks for them, and to `onTrace`. */
export function withTrace(run: Run, onTrace: OnTrace | undefined): Run {
  return (exchange) => {
    const trace = new Trace(exchange)
    traces.set(exchange, trace)
    return mapMaybe(run(exchange), (reply) => {
      trace.planned()
      if (onTrace) exchange.onEnd((outcome) => onTrace(exchange, trace, reply, outcome))
      if (!wantsTrace(exchange)) return reply
      // A copy, because an extension may give one reply to several requests.
      const headers = new HeaderList([...reply.headers.raw])
      // A recorded or forwarded answer may have one of its own, and a client reads both.
      headers.append('Server-Timing', trace.serverTiming(reply))
      headers.append(traceHeader, trace.answerer)
      return { ...reply, headers }
    })
  }
}

/** Whether a request asks for its trace, and may. */
export function wantsTrace({ headers, config }: Exchange): boolean {
  return headers[traceHeader] === 'on' && config.simHeaders
}

/** The place of a recording, without its folder. */
export function placeText({ file, line }: Exclude<Exchange['answeredBy'], string | undefined>): string {
  return `${file?.replace(/^.*[\\/]/, '') ?? 'recorded since the start'}:${line}`
}

/** What a reply waits for on purpose, in milliseconds from the start of the request. */
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

/** What a header can carry of any text. */
function asHeaderText(text: string): string {
  const short = text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL - 3)}...` : text
  return printable(short).replaceAll(/[^\x20-\x7e]/g, '?')
}

/** Calls `ask`, and `done` with its reply, or without one when it fails. */
function settled(ask: () => ReplyOrPromise, done: (reply?: Reply) => void): ReplyOrPromise {
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
    answer = ask()
  } catch (error) {
    return failed(error)
  }
  return answer instanceof Promise ? answer.then(known, failed) : known(answer)
}
