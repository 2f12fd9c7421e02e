import type { Reply } from '../pipeline/reply.ts'
import { describeValue } from './extension-error.ts'

/**
 * Returns why a value is not a valid `Reply`, or undefined if it is valid. Checks properties and not classes, because an extension
 * can have its own copy of this package. Checks values that would affect other requests, such as usage in metrics. Does not check
 * values of headers, which affect one connection only.
 */
export function replyProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null)
    return `it returned ${describeValue(value)}, which is not a reply`
  const { status, headers, body, usage, steps, schedule, limitedBy, reason } = value as Partial<Reply>
  if (!isCount(status) || status < 200 || status > 599) {
    return `the reply's status must be an integer from 200 to 599 (got ${describeValue(status)})`
  }
  if (!isHeaderList(headers)) {
    return `the reply's headers must be a HeaderList, such as new HeaderList(['Content-Type', 'application/json']) (got ${describeValue(headers)})`
  }
  const bodyFault = bodyProblem(body)
  if (bodyFault !== undefined) return bodyFault
  if (reason !== undefined && typeof reason !== 'string') return "the reply's reason must be text"
  if (usage !== undefined && !hasCounts(usage, usageFields)) {
    return `the reply's usage must have ${usageFields.join(', ')}, each an integer of at least 0`
  }
  if (steps !== undefined && !hasCounts(steps, stepFields)) {
    return `the reply's steps must have ${stepFields.join(' and ')}, each an integer of at least 0`
  }
  if (schedule !== undefined && !isSchedule(schedule)) {
    return "the reply's schedule must have stepsMs (a Float64Array), endMs (a number of milliseconds) and, if present, headMs (the same)"
  }
  if (limitedBy !== undefined && !limits.has(limitedBy)) {
    return `the reply's limitedBy must be ${[...limits].join(', ')} or absent (got ${describeValue(limitedBy)})`
  }
  return undefined
}

const usageFields = ['promptTokens', 'cachedTokens', 'completionTokens', 'reasoningTokens']
const stepFields = ['hidden', 'visible']
const limits: ReadonlySet<unknown> = new Set(['tokens', 'requests', 'capacity'])

function isHeaderList(headers: Partial<Reply['headers']> | undefined): boolean {
  if (typeof headers !== 'object' || headers === null) return false
  const { raw } = headers
  // Those that send an answer call these.
  if (typeof headers.get !== 'function' || typeof headers.set !== 'function') return false
  if (typeof headers.setContentLength !== 'function' || !Array.isArray(raw) || raw.length % 2 !== 0)
    return false
  for (const text of raw) if (typeof text !== 'string') return false
  return true
}

function bodyProblem(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) {
    return `the reply's body must be one of the known kinds, such as textBody('...') (got ${describeValue(body)})`
  }
  const { kind, render, count, stepOf, chunks } = body as Record<string, unknown>
  if (kind === 'whole') {
    return typeof render === 'function' ? undefined : "a whole body must have the function 'render'"
  }
  if (kind === 'events') {
    if (!isCount(count)) return "an events body must have a 'count', an integer of at least 0"
    if (typeof stepOf === 'function' && typeof render === 'function') return undefined
    return "an events body must have the functions 'stepOf' and 'render'"
  }
  if (kind === 'live') {
    return isAsyncIterable(chunks) ? undefined : "a live body must have 'chunks', an async iterable"
  }
  return `the kind of the reply's body must be whole, events or live (got ${describeValue(kind)})`
}

function isSchedule({ stepsMs, endMs, headMs }: Partial<NonNullable<Reply['schedule']>>): boolean {
  return ArrayBuffer.isView(stepsMs) && isTime(endMs) && (headMs === undefined || isTime(headMs))
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value)
}

function hasCounts(value: unknown, fields: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  for (const field of fields) if (!isCount((value as Record<string, unknown>)[field])) return false
  return true
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
