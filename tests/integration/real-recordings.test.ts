import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { needOf } from '../support/installed-tool.ts'
import { createTestSimulator, testKey } from '../support/test-simulator.ts'

/**
 * Replays the recordings in other-recordings/ of REAL_TRAFFIC_DIR, in order, and compares them with what a second, simple reader
 * finds. WireMock mappings are there without their body files.
 */
const folder = process.env['REAL_TRAFFIC_DIR']
const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])
const dir = (name: string): string => join(folder ?? '', 'other-recordings', name)

type Headers = Readonly<Record<string, string | readonly string[]>>
type Json = Readonly<Record<string, unknown>>

interface Expected {
  readonly method: string
  readonly url: string
  readonly requestHeaders: Headers
  readonly body: string
  readonly status: number
  readonly headers: Headers
  /** Text or bytes; parsed JSON if the tool stores that. */
  readonly answer: unknown
}

const headerIn = (headers: Headers, name: string): string | undefined => {
  const value = Object.entries(headers).find(([other]) => other.toLowerCase() === name)?.[1]
  return typeof value === 'string' || value === undefined ? value : value[0]
}

const fromPairs = (pairs: unknown): Headers =>
  Object.fromEntries((pairs as { name: string; value: string }[]).map(({ name, value }) => [name, value]))

/** Polly.js stores the chunks of a compressed answer as a JSON list in base64. */
const harContent = ({ text, encoding }: Json): unknown =>
  encoding === 'base64'
    ? Buffer.concat((JSON.parse(String(text)) as string[]).map((chunk) => Buffer.from(chunk, 'base64')))
    : text

const readers: Readonly<Record<string, (root: never) => readonly Expected[]>> = {
  'go-vcr': ({ interactions }: { interactions: { request: Json; response: Json }[] }) =>
    interactions.map(({ request, response }) => ({
      method: String(request['method']),
      url: String(request['url']),
      requestHeaders: (request['headers'] ?? {}) as Headers,
      body: (request['body'] ?? '') as string,
      status: Number(response['code']),
      headers: response['headers'] as Headers,
      answer: response['body'],
    })),
  'ruby-vcr': ({ http_interactions: list }: { http_interactions: { request: Json; response: Json }[] }) =>
    list.map(({ request, response }) => ({
      method: String(request['method']).toUpperCase(),
      url: String(request['uri']),
      requestHeaders: request['headers'] as Headers,
      body: String((request['body'] as Json)['string']),
      status: Number((response['status'] as Json)['code']),
      headers: response['headers'] as Headers,
      answer: (response['body'] as Json)['string'],
    })),
  har: ({ log }: { log: { entries: { request: Json; response: Json }[] } }) =>
    log.entries.map(({ request, response }) => ({
      method: String(request['method']),
      url: String(request['url']),
      requestHeaders: fromPairs(request['headers']),
      body: String((request['postData'] as Json)['text']),
      status: Number(response['status']),
      headers: fromPairs(response['headers']),
      answer: harContent(response['content'] as Json),
    })),
  nock: (list: Json[]) =>
    list.map((item) => ({
      method: String(item['method']),
      url: `${String(item['scope'])}${String(item['path'])}`,
      requestHeaders: { 'content-type': 'application/json' },
      body: typeof item['body'] === 'string' ? item['body'] : JSON.stringify(item['body']),
      status: Number(item['status']),
      headers: item['rawHeaders'] as Headers,
      answer: Array.isArray(item['response'])
        ? Buffer.from(item['response'].join(''), 'hex')
        : item['response'],
    })),
  'test-agent-json': ({ request, response }: { request: Json; response: Json }) => [
    {
      method: String(request['method']),
      url: String(request['url']),
      requestHeaders: request['headers'] as Headers,
      body: String(request['body']),
      status: Number((response['status'] as Json)['code']),
      headers: response['headers'] as Headers,
      answer: response['body'],
    },
  ],
}

const decompressed = (bytes: Buffer, coding: string | undefined): Buffer => {
  try {
    if (coding === 'br') return brotliDecompressSync(bytes)
    return coding === 'gzip' ? gunzipSync(bytes) : bytes
  } catch {
    // Some tools store the decompressed body with the header.
    return bytes
  }
}

const isSameAnswer = (text: string, { answer, headers }: Expected): boolean => {
  if (typeof answer === 'string') return text === answer
  if (Buffer.isBuffer(answer))
    return text === decompressed(answer, headerIn(headers, 'content-encoding')).toString()
  return isDeepStrictEqual(JSON.parse(text), answer)
}

describe.skipIf(isMissing)(`a real recording of another tool${note}`, () => {
  it.each(Object.keys(readers))('of %s is replayed exactly', async (tool) => {
    const { app } = createTestSimulator({ env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir(tool) } })
    const expected = readdirSync(dir(tool))
      .sort()
      .flatMap((name) => readers[tool]?.(parse(readFileSync(join(dir(tool), name), 'utf8')) as never) ?? [])
    const different: string[] = []
    for (const one of expected) {
      const { pathname, search } = new URL(one.url)
      const type = headerIn(one.requestHeaders, 'content-type')
      const response = await app.request(pathname + search, {
        method: one.method,
        headers: { 'api-key': testKey, ...(type !== undefined && { 'content-type': type }) },
        ...(one.body !== '' && { body: one.body }),
      })
      const isSame =
        isSameAnswer(await response.text(), one) &&
        response.status === one.status &&
        response.headers.get('content-type') === (headerIn(one.headers, 'content-type') ?? null)
      if (!isSame) different.push(`${one.method} ${one.url}`)
    }
    process.stdout.write(`${tool}: ${expected.length - different.length} of ${expected.length} exact\n`)
    expect(expected.length).toBeGreaterThan(0)
    expect(different).toEqual([])
  })
})
