import { HeadForm, type HeadParts, isProperValue } from './head-form.ts'
import type { Reply } from '../../pipeline/reply.ts'

/** The phrases of the statuses of nearly all answers (RFC 9110, 15; RFC 6585); others go Node's way. */
const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The head of an answer, up to its body. */
export interface Head {
  readonly text: string
  /** The body comes in chunks. */
  readonly isChunked: boolean
}

/** Heads that came before, by the number of their names and values. Nearly all are as those before, but for a few values. */
const forms = new Map<number, HeadForm[]>()
const mostLengths = 64
const mostFormsPerLength = 8

/** The status line, the headers and the empty line after them; undefined where a header is missing or must not be sent. */
export function headText({ status, reason = reasons[status], headers: { raw } }: Reply): Head | undefined {
  if (reason === undefined || status === 204 || status === 304) return undefined
  const known = forms.get(raw.length)
  if (known) {
    for (const form of known) {
      const text = form.fill(status, reason, raw)
      if (text !== undefined) return { text, isChunked: form.isChunked }
    }
  }
  if (!isFinalStatus(status) || !maySend(reason, raw)) return undefined
  const form = learn({ status, reason, fixed: [...raw] }, known)
  const text = form.fill(status, reason, raw)
  return text === undefined ? undefined : { text, isChunked: form.isChunked }
}

/** Keeps the form of a head, in place of one that differs in values only. */
function learn(parts: HeadParts, known: HeadForm[] | undefined): HeadForm {
  for (const [index, form] of known?.entries() ?? []) {
    const common = form.withGapsFor(parts)
    if (!known || !common) continue
    known[index] = common
    return common
  }
  const form = new HeadForm(parts)
  if (!known && forms.size < mostLengths) forms.set(parts.fixed.length, [form])
  else if (known && known.length < mostFormsPerLength) known.push(form)
  return form
}

/** As the simulator's own replies write it; in another case, or with another coding, it goes Node's way. */
const chunkedName = 'Transfer-Encoding'

/** Those with which a head, a body or a connection ends in another way. */
const special = /^(connection|trailer|transfer-encoding|upgrade|keep-alive)$/i

const properName = /^[\w!#$%&'*+.^`|~-]+$/

/** Whether a header can have this name (RFC 9110, 5.6.2). */
export function isProperName(name: string): boolean {
  return properName.test(name)
}

/** Whether an answer can have this status: below 200 another one would have to follow. */
export function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 999
}

function maySend(reason: string, raw: readonly string[]): boolean {
  let hasDate = false
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? ''
    const value = raw[index + 1] ?? ''
    if (!isProperName(name) || !isProperValue(value)) return false
    if (special.test(name) && (name !== chunkedName || value !== 'chunked')) return false
    if (name.toLowerCase() === 'date') hasDate = true
  }
  return hasDate && isProperValue(reason)
}
