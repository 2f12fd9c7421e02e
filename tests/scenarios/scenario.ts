import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'
import { programKey } from '../support/built-program.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

const requestSchema = z.strictObject({
  method: z.enum(['GET', 'POST', 'DELETE', 'PUT']).default('POST'),
  path: z.string(),
  /** Beside `Content-Type: application/json` and the key; an empty value takes one of those away. */
  headers: z.record(z.string(), z.string()).default({}),
  /** JSON, or the text itself where it is a string. */
  body: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  /** Sends this many spaces as the body. */
  spaces: z.int().optional(),
})

const scenarioSchema = z.strictObject({
  /** The rule, as a sentence without its subject's capital. */
  title: z.string(),
  /** Where the bytes are known from. */
  source: z.string(),
  config: z
    .strictObject({
      env: z.record(z.string(), z.string()).optional(),
      deployments: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    })
    .default({}),
  /** Requests that are sent before, whose answers do not matter. */
  earlier: z.array(requestSchema).default([]),
  request: requestSchema,
  expect: z
    .strictObject({
      status: z.int(),
      reason: z.string(),
      /** All headers in the order in which they are sent, values with placeholders. */
      headers: z.record(z.string(), z.string()),
      /** The whole body with placeholders. */
      body: z.string().optional(),
      /** The events of a stream, without the empty line that ends each; `times` repeats one. */
      stream: z
        .array(z.union([z.string(), z.strictObject({ times: z.int(), event: z.string() })]))
        .optional(),
    })
    .refine(({ body, stream }) => (body === undefined) !== (stream === undefined), 'needs body or stream'),
})

/** A request of a scenario, ready to be sent. */
export interface ScenarioRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** One wire case: what is sent, and the very bytes that come back. */
export interface Scenario {
  /** The file's name without its ending. */
  readonly name: string
  readonly title: string
  readonly config: {
    readonly env: Readonly<Record<string, string>>
    readonly deployments?: Readonly<Record<string, object>>
  }
  readonly earlier: readonly ScenarioRequest[]
  readonly request: ScenarioRequest
  readonly expect: {
    readonly status: number
    readonly reason: string
    readonly headers: readonly (readonly [name: string, pattern: string])[]
    readonly body: string
  }
}

/** Reads all scenario files. @throws {Error} naming the file that is wrong */
export function loadScenarios(): Scenario[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .toSorted()
    .map((file) => loadScenario(file))
}

function loadScenario(file: string): Scenario {
  const parsed = scenarioSchema.safeParse(parse(readFileSync(join(folder, file), 'utf8')))
  if (!parsed.success) throw new Error(`tests/scenarios/${file}: ${z.prettifyError(parsed.error)}`)
  const { title, config, earlier, request, expect } = parsed.data
  return {
    name: file.replace(/\.yaml$/, ''),
    title,
    config: {
      env: { SIMULATOR_API_KEY: programKey, LATENCY_TIME_SCALE: '0', ...config.env },
      ...(config.deployments && { deployments: config.deployments }),
    },
    earlier: earlier.map((one) => toRequest(one)),
    request: toRequest(request),
    expect: {
      status: expect.status,
      reason: expect.reason,
      headers: Object.entries(expect.headers),
      body: expect.body ?? streamText(expect.stream ?? []),
    },
  }
}

function toRequest({ method, path, headers, body, spaces }: z.output<typeof requestSchema>): ScenarioRequest {
  const given = { 'Content-Type': 'application/json', 'api-key': programKey, ...headers }
  return {
    method,
    path,
    headers: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')),
    body: spaces === undefined ? textOf(body) : ' '.repeat(spaces),
  }
}

function textOf(body: string | Record<string, unknown> | undefined): string {
  if (body === undefined) return ''
  return typeof body === 'string' ? body : JSON.stringify(body)
}

function streamText(stream: readonly (string | { times: number; event: string })[]): string {
  return stream
    .flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Array.from({ length: entry.times }, () => entry.event),
    )
    .map((event) => `${event.trimEnd()}\n\n`)
    .join('')
}
