import { levelOf, type LogRecord, type LogSink } from './log-ring.ts'
import { defaultResourceName } from '../config/config.ts'
import type { Exchange, Outcome } from '../pipeline/exchange.ts'
import { type Stage, mapMaybe } from '../pipeline/stage.ts'
import { deploymentOf } from '../pipeline/source-rules.ts'
import { outcomeStatus, type Reply } from '../pipeline/reply.ts'
import { type OnTrace, recordingLocation } from '../pipeline/trace.ts'
import { keyForms, redactedParameter, redactQuery, redactText } from '../lib/credential-texts.ts'
import type { Logger } from '../lib/logger.ts'
import { printableWithin } from '../lib/format-text.ts'
import { createReplaceTexts, type ReplaceTexts } from '../lib/replace-texts.ts'
import { paint, timeOfDay } from '../lib/terminal.ts'

export interface RequestLogOptions {
  /** Writes a line that ends with a line feed. It must not block. */
  readonly write: (line: string) => void
  readonly format: 'text' | 'json'
  readonly hasColor: boolean
}

/** Returns the current keys. Log lines must not contain them. */
type Secrets = () => readonly string[]

/** Limits in characters, for a path with its query and for a name. */
const MAX_TARGET_LENGTH = 120
const MAX_NAME_LENGTH = 60
/** How much of a path and of a query is searched for credentials. */
const MAX_REDACTED_LENGTH = 4_000

/**
 * Creates the stage that writes a line for each request when its answer has ended.
 *
 * @param records also gets each request that was not forwarded; absent: none
 */
export function createRequestLog(
  { write, format, hasColor }: RequestLogOptions,
  secrets: Secrets,
  records?: LogSink,
): Stage {
  return function logRequest(exchange, next) {
    return mapMaybe(next(), (reply) => {
      exchange.onEnd((outcome) => {
        const facts = factsOf(exchange, reply, outcome, secrets())
        write(format === 'json' ? renderJson(facts) : renderText(facts, hasColor))
        // A forwarded request has an entry with more facts.
        if (!exchange.upstreamCall) records?.add(recordOf(facts))
      })
      return reply
    })
  }
}

/** Logs the stages of each request at level debug when its answer has ended. */
export function createTraceLog(logger: Logger): OnTrace {
  return ({ logFields }, trace, reply, { firstByteMs, endMs, aborted }) => {
    logger.debug(
      {
        ...logFields,
        status: reply.status,
        answeredBy: trace.answerer,
        stages: trace.serverTiming(reply),
        ...(firstByteMs !== undefined && { firstByteMs: Math.round(firstByteMs) }),
        endMs: Math.round(endMs),
        ...(aborted && { aborted }),
      },
      'The stages of a request.',
    )
  }
}

interface RequestFacts {
  readonly id: string
  readonly epochMs: number
  readonly method: string
  readonly target: string
  readonly status: number
  /** Absent for the default resource. */
  readonly resource: string | undefined
  readonly deployment: string | undefined
  readonly tokens: readonly [prompt: number, completion: number] | undefined
  readonly ms: number
  readonly answer: string
  readonly refusal: string | undefined
}

function factsOf(
  exchange: Exchange,
  reply: Reply,
  outcome: Outcome,
  secrets: readonly string[],
): RequestFacts {
  const { route, clock } = exchange
  const { usage, status } = reply
  const name = deploymentOf(exchange) ?? route?.deploymentName
  return {
    id: exchange.id,
    epochMs: clock.epochMs(),
    method: printableWithin(exchange.method, MAX_NAME_LENGTH),
    target: printableWithin(targetOf(exchange, secrets), MAX_TARGET_LENGTH),
    status,
    resource: exchange.resource === defaultResourceName ? undefined : exchange.resource,
    deployment: name === undefined ? undefined : printableWithin(withoutKeys(name, secrets), MAX_NAME_LENGTH),
    tokens: usage && [usage.promptTokens, usage.completionTokens],
    ms: Math.round(outcome.endMs),
    answer: printableWithin(answerOf(exchange, reply, outcome), MAX_TARGET_LENGTH),
    refusal: exchange.refusal,
  }
}

/** Path and query without credentials. */
function targetOf({ path, query }: Exchange, secrets: readonly string[]): string {
  // Both may be as long as all headers together. Redaction shortens them, and the end can be a part of a key.
  const start = path.slice(0, MAX_REDACTED_LENGTH)
  const rest = query.slice(0, MAX_REDACTED_LENGTH)
  const target = rest === '' ? redactText(start) : `${redactText(start)}?${redactQuery(rest)}`
  return withoutKeys(target, secrets)
}

const replaceSecrets = new WeakMap<readonly string[], ReplaceTexts>()

function withoutKeys(text: string, secrets: readonly string[]): string {
  let replace = replaceSecrets.get(secrets)
  if (!replace)
    replaceSecrets.set(
      secrets,
      (replace = createReplaceTexts(
        secrets.flatMap((key) => [key, ...keyForms(key)]),
        redactedParameter,
      )),
    )
  return replace(text)
}

/** The source of the answer, or the reason for a rejection or an early end. */
function answerOf({ answeredBy, source, refusal }: Exchange, reply: Reply, { aborted }: Outcome): string {
  const { limitedBy, streamErrorStatus, interruption } = reply
  if (refusal !== undefined) return `refused: ${refusal}`
  const reason =
    limitedBy === undefined
      ? describeSource(answeredBy, source, outcomeStatus(reply))
      : `limit of ${limitedBy}`
  const by = streamErrorStatus === undefined ? reason : `${reason}, ${streamErrorStatus} in the stream`
  if (interruption && typeof interruption.how !== 'number') return `${by}, cut by a fault`
  return aborted ? `${by}, the client disconnected` : by
}

function describeSource(answeredBy: Exchange['answeredBy'], source: string, status: number): string {
  if (typeof answeredBy === 'string') return answeredBy
  if (answeredBy) return recordingLocation(answeredBy)
  if (status >= 400) return 'refused'
  return source === 'generate' ? 'generated' : ''
}

/** Returns the entry of a request for the log ring. */
function recordOf(facts: RequestFacts): LogRecord {
  const {
    id,
    epochMs,
    method,
    target,
    status,
    resource = defaultResourceName,
    deployment,
    tokens,
    ms,
  } = facts
  return {
    epochMs,
    level: levelOf(status),
    event: 'request',
    message: `${method} ${target} was answered with ${status}.`,
    request: id,
    resource,
    deployment,
    status,
    ms,
    fields: {
      ...(tokens && { promptTokens: tokens[0], completionTokens: tokens[1] }),
      ...(facts.answer !== '' && { answer: facts.answer }),
      ...(facts.refusal !== undefined && { refusal: facts.refusal }),
    },
  }
}

function renderText(facts: RequestFacts, hasColor: boolean): string {
  const { id, epochMs, method, target, status, resource, deployment, tokens, ms, answer } = facts
  const color = status < 400 ? 'green' : status < 500 ? 'yellow' : 'red'
  const parts = [
    paint(timeOfDay(epochMs), 'dim', hasColor),
    method,
    target,
    paint(String(status), color, hasColor),
    deployment && resource ? `${resource}/${deployment}` : deployment,
    tokens && `${tokens[0]}+${tokens[1]} tokens`,
    `${ms} ms`,
    answer,
    paint(id, 'dim', hasColor),
  ]
  return `${parts.filter((part) => part).join('  ')}\n`
}

function renderJson({
  id,
  epochMs,
  method,
  target,
  status,
  resource,
  deployment,
  tokens,
  ms,
  answer,
  refusal,
}: RequestFacts): string {
  const [promptTokens, completionTokens] = tokens ?? []
  const line = {
    level: 'info',
    time: epochMs,
    requestId: id,
    method,
    path: target,
    status,
    resource,
    deployment,
    promptTokens,
    completionTokens,
    ms,
    answer,
    refusal,
    msg: 'A request was answered.',
  }
  return `${JSON.stringify(line)}\n`
}
