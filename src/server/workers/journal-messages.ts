import { isUtf8 } from 'node:buffer'
import { requestFingerprint } from '../../journal/request-fingerprint.ts'
import type { CallNote, EndNote } from '../../journal/call-note.ts'
import { longestBodyBytes } from '../../journal/journal-ring.ts'

/** A request for the journal as JSON. Its times are milliseconds since the start of the machine. */
export interface SentCall extends Omit<CallNote, 'body'> {
  /** Absent where the journal would not keep it. */
  readonly text?: string
  readonly base64?: string
}

/** What a worker tells the journal of the primary: `number` is the worker's, `atMs` when it happened. */
export type JournalMethods = {
  'journal.planned': (told: readonly [number: number, atMs: number, call: SentCall]) => void
  'journal.ended': (told: readonly [number: number, atMs: number, end: EndNote]) => void
}

/** @param offsetMs what the sender's times are behind those since the start of the machine */
export function sentCall({ body, ...note }: CallNote, offsetMs: number): SentCall {
  const same = { ...note, startedMs: note.startedMs + offsetMs }
  if (body && body.length > longestBodyBytes) {
    return { ...same, fingerprint: requestFingerprint({ ...note, body }) }
  }
  if (!body) return same
  return isUtf8(body) ? { ...same, text: body.toString() } : { ...same, base64: body.toString('base64') }
}

/** @param offsetMs what the receiver's times are behind those since the start of the machine */
export function receivedCall({ text, base64, ...same }: SentCall, offsetMs: number): CallNote {
  const body =
    text !== undefined ? Buffer.from(text) : base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  return { ...same, startedMs: same.startedMs - offsetMs, body }
}
