import {
  type Fault,
  needsStream,
  operationsOf,
  type FaultRule,
  labelOf,
  resolveFault,
  isNamedError,
} from '../config/fault-rules.ts'
import { modelError, type ServiceError } from '../wire/errors.ts'
import type { Exchange, AnswerOverride } from '../pipeline/exchange.ts'
import { shortText } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { traceHeader } from '../pipeline/trace.ts'

/** What the headers of one request ask for. Times in milliseconds. */
export interface SimHeaders {
  readonly fault?: { readonly label: string; readonly fault: Fault }
  readonly delayMs?: number
  /** From the start of the request to its first token, or to a whole answer. */
  readonly firstTokenMs?: number
  readonly forced?: AnswerOverride
}

const prefix = 'x-sim-'
const MAX_MS = 3_600_000
const MAX_TOKENS = 1_000_000
const finishReasons = ['stop', 'length', 'content_filter'] as const

const names = [
  'x-sim-fault',
  'x-sim-delay-ms',
  'x-sim-ttft-ms',
  'x-sim-tokens',
  'x-sim-finish-reason',
  traceHeader,
] as const
type Name = (typeof names)[number]

/** Whether a request has one of these headers at all. Asked of every request. */
export function hasSimHeaders(headers: Exchange['headers']): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true
  return false
}

/**
 * Reads the headers of a request.
 *
 * @param configured the rules whose names the request may use
 * @returns the service's 400 where one of them is wrong, saying what it may be
 */
export function readSimHeaders(
  exchange: Exchange,
  configured: Iterable<FaultRule>,
): SimHeaders | ServiceError {
  const { headers } = exchange
  for (const name in headers) {
    if (!name.startsWith(prefix) || isTestHeader(name, exchange)) continue
    if (!(names as readonly string[]).includes(name)) return unknownHeader(name)
  }
  const delayMs = readNumber(headers, 'x-sim-delay-ms', 0, MAX_MS, false)
  if (typeof delayMs === 'object') return delayMs
  const firstTokenMs = readNumber(headers, 'x-sim-ttft-ms', 0, MAX_MS, false)
  if (typeof firstTokenMs === 'object') return firstTokenMs
  const tokens = readNumber(headers, 'x-sim-tokens', 1, MAX_TOKENS, true)
  if (typeof tokens === 'object') return tokens
  const finish = headers['x-sim-finish-reason']
  const finishReason = finishReasons.find((reason) => reason === finish)
  if (finish !== undefined && finishReason === undefined) {
    return refuse('x-sim-finish-reason', `one of ${finishReasons.join(', ')}`, finish)
  }
  // The pipeline has read it before; here it is only judged.
  const trace = headers[traceHeader]
  if (trace !== undefined && trace !== 'on' && trace !== 'off') return refuse(traceHeader, 'on or off', trace)
  const fault = readFault(exchange, configured)
  if (fault && 'status' in fault) return fault
  const forced: AnswerOverride | undefined =
    tokens === undefined && finishReason === undefined
      ? undefined
      : {
          ...(tokens !== undefined && { tokens }),
          ...(finishReason === 'content_filter'
            ? { verdict: { kind: 'completion', category: 'violence' } }
            : finishReason && { finishReason }),
        }
  return {
    ...(fault && { fault }),
    ...(delayMs !== undefined && { delayMs }),
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(forced && { forced }),
  }
}

function readNumber(
  headers: Exchange['headers'],
  name: Name,
  min: number,
  max: number,
  whole: boolean,
): number | undefined | ServiceError {
  const text = headers[name]
  if (text === undefined) return undefined
  const value = typeof text === 'string' && /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  return refuse(name, `${whole ? 'an integer' : 'a number'} from ${min} to ${max}`, text)
}

function readFault(
  exchange: Exchange,
  configured: Iterable<FaultRule>,
): { label: string; fault: Fault } | undefined | ServiceError {
  const text = exchange.headers['x-sim-fault']
  if (text === undefined) return undefined
  if (typeof text !== 'string') return refuse('x-sim-fault', 'one fault', text)
  for (const { label, fault } of configured) {
    // A rule without a name of its own must not change what a built-in word means.
    if (label === text && label !== labelOf(fault))
      return validateTarget(exchange, fault, text) ?? { label, fault }
  }
  const resolved = resolveFault(parseFault(text), 'x-sim-fault')
  if ('problems' in resolved) return reject('x-sim-fault', resolved.problems.join(' '))
  const { fault } = resolved
  return validateTarget(exchange, fault, text) ?? { label: labelOf(fault), fault }
}

/** `stall;afterEvents=3;ms=500` is what a file writes as `{kind: stall, afterEvents: 3, ms: 500}`. */
function parseFault(text: string): unknown {
  const [word = '', ...parameters] = text.split(';').map((part) => part.trim())
  const given = parameters
    .filter((part) => part !== '')
    .map((part) => {
      const [key = '', value = ''] = part.split(/=(.*)/s)
      return [key.trim(), /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value.trim()]
    })
  if (given.length === 0) return word
  const base = isNamedError(word) ? { kind: 'error', error: word } : { kind: word }
  return { ...base, ...Object.fromEntries(given) }
}

function validateTarget(exchange: Exchange, fault: Fault, text: string): ServiceError | undefined {
  const operation = exchange.route?.operation
  const fitting: readonly string[] | undefined = operationsOf(fault)
  if (operation && fitting && !fitting.includes(operation)) {
    return reject(
      'x-sim-fault',
      `The fault '${shortText(text)}' is one of ${fitting.join(', ')}, not of ${operation}.`,
    )
  }
  if (needsStream(fault) && !wantsStream(exchange)) {
    return reject(
      'x-sim-fault',
      `The fault '${shortText(text)}' is one of streams. Ask for one with "stream": true.`,
    )
  }
  return undefined
}

/** The name of the test that a request belongs to is for replay mode; a test sends it in every mode. */
function isTestHeader(name: string, { config }: Exchange): boolean {
  return name === 'x-sim-test' || name === config.testHeader
}

function unknownHeader(name: string): ServiceError {
  const [nearest] = nearestNames(name, names, 1)
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`
  return reject(shortText(name), `Unknown header '${shortText(name)}'.${hint} Known are ${names.join(', ')}.`)
}

function refuse(name: Name, allowed: string, got: unknown): ServiceError {
  return reject(
    name,
    `Invalid header '${name}': expected ${allowed}, but got '${shortText(String(got))}' instead.`,
  )
}

function reject(name: string, message: string): ServiceError {
  return modelError(
    `${message} (The simulator answers this; SIM_HEADERS=off makes it ignore x-sim- headers.)`,
    name,
    'invalid_value',
  )
}

/** Whether a rule may strike a request, chance aside. */
export function matchesRule(rule: FaultRule, exchange: Exchange): boolean {
  const { deployment, operation, stream, fault } = rule
  const asked = exchange.route?.operation
  if (asked === undefined) return false
  if (deployment !== undefined && deployment !== exchange.deployment?.name) return false
  if (operation !== undefined && operation !== asked) return false
  const fitting: readonly string[] | undefined = operationsOf(fault)
  if (fitting && !fitting.includes(asked)) return false
  return stream === undefined || stream === wantsStream(exchange)
}

/** Whether a request asks for its answer as a stream. */
function wantsStream({ json }: Exchange): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { stream, stream_format: format } = json as { stream?: unknown; stream_format?: unknown }
  return stream === true || format === 'sse'
}
