import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { isRecord } from '../../src/lib/record.ts'

/** The body of a request that a client has sent, and the file with its recording. */
export interface RecordedRequest {
  readonly name: string
  readonly api: 'chat' | 'responses'
  readonly body: Readonly<Record<string, unknown>>
}

/** All requests of chat and responses in the recordings of a folder, whatever tool has written them. */
export function recordedRequests(folder: string): RecordedRequest[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ya?ml|json|jsonl|har)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => {
      const found: RecordedRequest[] = []
      const name = relative(folder, file)
      for (const value of valuesIn(file)) {
        eachRequest(value, (api, body) => found.push({ name: `${name} #${found.length}`, api, body }))
      }
      return found
    })
}

function valuesIn(file: string): unknown[] {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.jsonl')) return text.split('\n').filter(Boolean).map(parsedOrText)
  if (!/\.ya?ml$/.test(file)) return [parsedOrText(text)]
  return parseAllDocuments(text, { strict: false, logLevel: 'silent' }).map(
    (document) => document.toJS() as unknown,
  )
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Calls `take` for the requests in a value, which can be JSON in a string. */
function eachRequest(
  value: unknown,
  take: (api: RecordedRequest['api'], body: RecordedRequest['body']) => void,
): void {
  if (typeof value === 'string') {
    if (value.trimStart().startsWith('{')) eachRequest(parsedOrText(value), take)
  } else if (Array.isArray(value)) {
    for (const entry of value) eachRequest(entry, take)
  } else if (isRecord(value)) {
    const api = apiOf(value)
    if (api !== undefined) take(api, value)
    else for (const entry of Object.values(value)) eachRequest(entry, take)
  }
}

/** Other APIs have members with the same names: embeddings and speech `input`, Anthropic `messages`, answers `input` items. */
function apiOf(body: RecordedRequest['body']): RecordedRequest['api'] | undefined {
  const { model, messages, input, object, op } = body
  if (object !== undefined || op !== undefined) return undefined
  if (/^claude|embed|tts|moderation|whisper|image|gemini|dall/.test(String(model))) return undefined
  if (Array.isArray(messages)) return isRecord(messages[0]) && 'role' in messages[0] ? 'chat' : undefined
  if (typeof model !== 'string' || ['voice', 'dimensions', 'encoding_format'].some((name) => name in body)) {
    return undefined
  }
  if (typeof input === 'string') return 'responses'
  return Array.isArray(input) && isRecord(input[0]) && ('role' in input[0] || 'type' in input[0])
    ? 'responses'
    : undefined
}
