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

/** The x-sim- headers of a request. Times are in milliseconds. */
export interface SimHeaders {
  readonly fault?: { readonly label: string; readonly fault: Fault }
  readonly delayMs?: number
  /** From the start of the request to the first token, or to the whole answer without streaming. */
  readonly firstTokenMs?: number
  readonly forced?: AnswerOverride
}

const prefix = 'x-sim-'
const MAX_MS = 3_600_000
const MAX_TOKENS = 1_000_000
const MAX_TOOL_CALLS = 32
const MAX_TOOL_ROUNDS = 1_000
const finishReasons = ['stop', 'length', 'content_filter'] as const

const names = [
  'x-sim-fault',
  'x-sim-delay-ms',
  'x-sim-ttft-ms',
  'x-sim-tokens',
  'x-sim-finish-reason',
  'x-sim-tool-calls',
  'x-sim-tool-rounds',
  traceHeader,
] as const
type Name = (typeof names)[number]

/** Whether a request has one of these headers. Called for each request. */
export function hasSimHeaders(headers: Exchange['headers']): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true
  return false
}

/**
 * Reads the headers of a request.
 *
 * @param configured rules that the request can select by name
 * @returns a 400 with the allowed values if a header is invalid
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
  const toolCalls = readToolCalls(headers)
  if (typeof toolCalls === 'object' && 'status' in toolCalls) return toolCalls
  const toolRounds = readNumber(headers, 'x-sim-tool-rounds', 0, MAX_TOOL_ROUNDS, true)
  if (typeof toolRounds === 'object') return toolRounds
  // The pipeline has already applied it. Here it is only validated.
  const trace = headers[traceHeader]
  if (trace !== undefined && trace !== 'on' && trace !== 'off') return refuse(traceHeader, 'on or off', trace)
  const fault = readFault(exchange, configured)
  if (fault && 'status' in fault) return fault
  const forced: AnswerOverride | undefined =
    (tokens ?? finishReason ?? toolCalls ?? toolRounds) === undefined
      ? undefined
      : {
          ...(tokens !== undefined && { tokens }),
          ...(toolCalls !== undefined && { toolCalls }),
          ...(toolRounds !== undefined && { toolRounds }),
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

/** Reads a number of calls, or the names of the called tools in order. The names are checked with the request. */
function readToolCalls(headers: Exchange['headers']): number | readonly string[] | undefined | ServiceError {
  const text = headers['x-sim-tool-calls']
  if (text === undefined) return undefined
  const names = typeof text === 'string' ? text.split(',').map((name) => name.trim()) : []
  const [first = ''] = names
  const isNumber = names.length === 1 && /^\d+$/.test(first)
  if (isNumber && Number(first) <= MAX_TOOL_CALLS) return Number(first)
  if (!isNumber && names.length <= MAX_TOOL_CALLS && names.every((name) => name !== '')) return names
  const allowed = `an integer from 0 to ${MAX_TOOL_CALLS}, or 1 to ${MAX_TOOL_CALLS} names of tools, separated by commas`
  return refuse('x-sim-tool-calls', allowed, text)
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
    // A rule without a name must not replace a built-in fault.
    if (label === text && label !== labelOf(fault))
      return validateTarget(exchange, fault, text) ?? { label, fault }
  }
  const resolved = resolveFault(parseFault(text), 'x-sim-fault')
  if ('problems' in resolved) return reject('x-sim-fault', resolved.problems.join(' '))
  const { fault } = resolved
  return validateTarget(exchange, fault, text) ?? { label: labelOf(fault), fault }
}

/** Parses `stall;afterEvents=3;ms=500`, the short form of `{kind: stall, afterEvents: 3, ms: 500}` in a file. */
function parseFault(text: string): unknown {
  const [word = '', ...parameters] = text.split(';').map((part) => part.trim())
  const entries = parameters
    .filter((part) => part !== '')
    .map((part) => {
      const [key = '', value = ''] = part.split(/=(.*)/s)
      return [key.trim(), /^-?\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : value.trim()]
    })
  if (entries.length === 0) return word
  const base = isNamedError(word) ? { kind: 'error', error: word } : { kind: word }
  return { ...base, ...Object.fromEntries(entries) }
}

function validateTarget(exchange: Exchange, fault: Fault, text: string): ServiceError | undefined {
  const operation = exchange.route?.operation
  const allowed: readonly string[] | undefined = operationsOf(fault)
  if (operation && allowed && !allowed.includes(operation)) {
    return reject(
      'x-sim-fault',
      `The fault '${shortText(text)}' applies to ${allowed.join(', ')}, not to ${operation}.`,
    )
  }
  if (needsStream(fault) && !wantsStream(exchange)) {
    return reject(
      'x-sim-fault',
      `The fault '${shortText(text)}' requires a stream. Set "stream": true in the request.`,
    )
  }
  return undefined
}

/** Whether a header is the test name of replay mode. Clients can send it in all modes. */
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

/** Whether a rule applies to a request, apart from its probability. */
export function matchesRule(rule: FaultRule, exchange: Exchange): boolean {
  const { deployment, operation, serviceTier, stream, fault } = rule
  const requested = exchange.route?.operation
  if (requested === undefined) return false
  if (deployment !== undefined && deployment !== exchange.deployment?.name) return false
  if (operation !== undefined && operation !== requested) return false
  if (serviceTier !== undefined && serviceTier !== exchange.requestedTier) return false
  const allowed: readonly string[] | undefined = operationsOf(fault)
  if (allowed && !allowed.includes(requested)) return false
  return stream === undefined || stream === wantsStream(exchange)
}

/** Whether a request has streaming enabled. */
function wantsStream({ json }: Exchange): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { stream, stream_format: format } = json as { stream?: unknown; stream_format?: unknown }
  return stream === true || format === 'sse'
}
