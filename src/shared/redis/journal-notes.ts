import { cleanBody, cleanHead, type JournalEntry } from '../../journal/journal-entry.ts'
import type { CallEnded, CallStarted } from '../../journal/journal-sink.ts'
import { MAX_BODY_BYTES } from '../../journal/journal-ring.ts'
import { requestFingerprint } from '../../journal/request-fingerprint.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { RecentMap } from '../../lib/caches.ts'

/**
 * A notice: the number of the request among those of its simulator, and what is told of its begin or of its end. Times are
 * milliseconds since 1970 by the clock of Redis.
 */
export type Notice =
  | readonly [kind: 'started', number: number, call: Omit<CallStarted, 'headers' | 'query' | 'body'>]
  | readonly [kind: 'ended', number: number, end: CallEnded]

/** What is read of a request only when somebody asks for it, as texts for Redis. No credential is in them. */
export interface NotePayload {
  readonly head: string
  /** Empty where the body is not kept. */
  readonly body: string
}

/** A notice as it waits to be sent. */
export interface WaitingNotice {
  readonly notice: Notice
  readonly json: string
  /** For the begin of a request. */
  readonly parts: NotePayload | undefined
  /** Of all texts, about. */
  readonly bytes: number
}

/** What was made of heads and bodies without credentials is remembered, in each of two generations up to so many characters. */
const MAX_CACHED_CHARACTERS = 1024 * 1024
/** Most clients send the same headers again and again, and many load generators the same body. */
const MAX_CACHED_LENGTH = 16 * 1024

function rememberedTexts(): RecentMap<string, readonly string[]> {
  return new RecentMap(
    MAX_CACHED_CHARACTERS,
    (texts) => 2 * texts.reduce((sum, { length }) => sum + length, 0),
  )
}

/** Makes notices of requests. To look for credentials takes the most of it, so what comes again is looked through once. */
export class NoticeWriter {
  readonly #secrets: () => readonly string[]
  /** Those that what is remembered is without. */
  #known: readonly string[] = []
  #clean = rememberedTexts()

  /** @param secrets gives the keys of the moment, the same list as long as they are the same */
  constructor(secrets: () => readonly string[]) {
    this.#secrets = secrets
  }

  started(number: number, call: CallStarted): WaitingNotice {
    const { headers, query, body, ...same } = call
    const secrets = this.#currentSecrets()
    const isKept = body !== undefined && body.length <= MAX_BODY_BYTES
    const [path = '', head = '', deployment] = this.#remember(
      JSON.stringify([call.path, call.deployment, query, headers]),
      () => {
        const { path, query, headers, deployment } = cleanHead({ ...call, secrets })
        return [path, JSON.stringify([query, headers]), ...(deployment === undefined ? [] : [deployment])]
      },
    )
    const fingerprint = call.fingerprint ?? requestFingerprint(call)
    const notice: Notice = ['started', number, { ...same, path, deployment, fingerprint }]
    return waiting(notice, { head, body: isKept ? this.#bodyOf(call, body, secrets) : '' })
  }

  ended(number: number, end: CallEnded): WaitingNotice {
    return waiting(['ended', number, end], undefined)
  }

  #currentSecrets(): readonly string[] {
    const secrets = this.#secrets()
    if (secrets === this.#known) return secrets
    this.#known = secrets
    this.#clean = rememberedTexts()
    return secrets
  }

  #bodyOf(call: CallStarted, body: Buffer, secrets: readonly string[]): string {
    const make = (): string => bodyText(cleanBody({ ...call, secrets }))
    if (body.length > MAX_CACHED_LENGTH) return make()
    const key = `${JSON.stringify([call.headers['content-type']])}${body.toString('latin1')}`
    return this.#remember(key, () => [make()])[0] ?? ''
  }

  #remember(key: string, make: () => readonly string[]): readonly string[] {
    const known = this.#clean.get(key)
    if (known) return known
    const made = make()
    this.#clean.set(key, made)
    return made
  }
}

/** The entry with its head and body, as they came from Redis or are about to go there. */
export function withParts(entry: JournalEntry, parts: NotePayload): JournalEntry {
  const [query, headers] = JSON.parse(parts.head) as [string, Record<string, string>]
  const body = bodyOf(parts.body)
  let json: { readonly value: unknown } | undefined
  return {
    ...entry,
    query,
    headers,
    bodyKept: body !== undefined,
    body,
    get json() {
      return (json ??= { value: body === undefined ? undefined : parseJson(Buffer.from(body)) }).value
    },
  }
}

function waiting(notice: Notice, parts: NotePayload | undefined): WaitingNotice {
  const json = JSON.stringify(notice)
  const bytes = json.length + (parts ? parts.head.length + parts.body.length : 0)
  return { notice, json, parts, bytes }
}

function bodyText(body: string | Uint8Array | undefined): string {
  if (body === undefined) return ''
  return typeof body === 'string' ? `t${body}` : `b${Buffer.from(body).toString('base64')}`
}

function bodyOf(text: string): string | Uint8Array | undefined {
  if (text === '') return undefined
  return text.startsWith('t') ? text.slice(1) : Buffer.from(text.slice(1), 'base64')
}
