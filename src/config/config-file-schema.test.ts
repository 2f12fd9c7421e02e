import { readdirSync, readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { OperatorError } from '../lib/operator-error.ts'
import { configFileSchema } from './config-file-schema.ts'
import { settingsByName } from './file-settings.ts'
import { loadConfig } from './live-config.ts'
import { setAt } from './settings-table.ts'

const validate = new Ajv({ allErrors: true, strict: false }).compile(configFileSchema())

/** Returns the errors of the schema; empty if it accepts the value. */
const errorsOf = (value: unknown) => (validate(value) ? [] : validate.errors)

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const env = Object.fromEntries(
  [
    'SIMULATOR_API_KEY',
    'ADMIN_API_KEY',
    'AZURE_OPENAI_KEY',
    'EAST_KEY',
    'WEST_KEY',
    'SIM_KEY',
    'UPSTREAM_KEY',
    'ACME_KEY',
  ].map((name) => [name, 'a-key']),
)

/** Returns the problems of the loader; empty if it accepts the file. */
function problemsOf(text: string, variables: Readonly<Record<string, string>> = env): string {
  try {
    loadConfig({
      flags: { '--config': 'aoai-sim.yaml' },
      env: variables,
      workingDirectory: '/work',
      readFile: (path) => {
        if (path === '/work/aoai-sim.yaml') return text
        throw Object.assign(new Error(path), { code: 'ENOENT' })
      },
    })
    return ''
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
}

const uncommented = (text: string): string => text.replaceAll(/^( *)#(?=[^ ])/gm, '$1')

/** The configuration files in the documentation. They begin with their name as a comment. */
const documented = readdirSync(new URL('../../docs', import.meta.url))
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) =>
    [...read(`docs/${name}`).matchAll(/```yaml[^\n]*\n(# aoai-sim\.yaml[^]*?)```/g)].map(
      ([, text = ''], index): [string, string] => [`docs/${name}, ${index + 1}`, text],
    ),
  )

describe('the schema of the configuration file', () => {
  it('is a JSON Schema of draft 7 in which each reference has a target', () => {
    const schema = configFileSchema()
    expect(new Ajv({ strict: false }).validateSchema(schema)).toBe(true)
    const text = JSON.stringify(schema)
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = pointer
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], schema)
      expect([pointer, typeof target]).toEqual([pointer, 'object'])
    }
  })

  it.each(['examples/aoai-sim.yaml', 'examples/two-regions/two-regions.yaml'])('is named in %s', (path) => {
    const [, schema = ''] = /^# yaml-language-server: \$schema=(.*)$/m.exec(read(path)) ?? []
    const folder = path.slice(0, path.lastIndexOf('/'))
    expect(JSON.parse(read(`${folder}/${schema}`))).toEqual(configFileSchema())
  })

  it('has a description, and the default or its meaning, for each setting', () => {
    const { properties } = configFileSchema() as { properties: { settings: object } }
    for (const [name, { default: fallback, unsetMeaning }] of settingsByName) {
      const schema = name
        .split('.')
        .reduce<unknown>(
          (node, key) => (node as { properties: Record<string, unknown> }).properties[key],
          properties.settings,
        ) as { description: string; default?: unknown }
      expect(schema.description).toContain(fallback ?? unsetMeaning)
      expect([name, schema.default !== undefined]).toEqual([name, fallback !== undefined])
    }
  })

  it.each<[string, string]>([
    ['examples/aoai-sim.yaml', read('examples/aoai-sim.yaml')],
    ['examples/aoai-sim.yaml with all examples', uncommented(read('examples/aoai-sim.yaml'))],
    ['examples/two-regions/two-regions.yaml', read('examples/two-regions/two-regions.yaml')],
    ...documented,
  ])('accepts %s, as the loader does', (_, text) => {
    expect(errorsOf(parse(text))).toEqual([])
    expect(problemsOf(text)).toBe('')
  })

  it.each([
    'settings:',
    'settings: { port: "9000", watch: true, api_version_check: on, log_level: debug, workers: auto, seed: "1" }',
    'settings: { latency: { timeScale: 2 }, limitProfile: 2026-08, tool_calls_per_answer: [1, 2] }',
    'settings: { audiences: [https://one.example], match_ignore_fields: "user,seed", token_tenants: AAAAAAAA-0000-0000-0000-000000000000 }',
    'settings: { content_filter: { prompt: [bad, { category: hate, phrase: worse }] }, recording_redact: [user, "/a+/"] }',
    'upstreams: { default: { key: k }, east: { endpoint: "http://e", key: { env: EAST_KEY }, connectTimeoutMs: "5" } }',
    'deployments: { chat: { model: gpt-4o, tokens_per_minute: "1_000", requestPerMinute: 5, requests_slice_seconds: "60" } }',
    'deployments: { chat: { model: gpt-4o, latency: { firstToken: 5, per_token: { distribution: normal, mean_ms: 1, stdDevMs: 1 }, burst: off, load: { slowdown: 1, requests: 2 } } } }',
    'deployments: { e: { model: text-embedding-3-small, embedding_size: 5, faults: [{ probability: 1, fault: { kind: stall, ms: forever } }] } }',
    'resources: { a-1: { keys: [k, { key: other, label: x, enabled: false }], region: x, tokens: own, upstream: default } }',
    'faults: [{ probability: 1, service_tier: priority, stream: true, fault: { kind: errorEvent, code: 429, after_events: 3 } }]',
    'incidents: { repeat: 3, startAfter: 1m, phases: [{ name: a, duration: 8m30s, limits: { factor: 0.5 }, faults: [{ probability: 1, fault: cut }] }] }',
  ])('accepts what the loader accepts: %s', (text) => {
    expect(problemsOf(text)).toBe('')
    expect(errorsOf(parse(text))).toEqual([])
  })

  it.each([
    'deploymnets: {}',
    'port: 1',
    'settings: 5',
    'settings: { regoin: x }',
    'settings: { port: 70000 }',
    'settings: { port: 1.5 }',
    'settings: { port: many }',
    'settings: { port: null }',
    'settings: { port: { env: PORT, default: 1 } }',
    'settings: { seed: 42 }',
    'settings: { log_level: loud }',
    'settings: { api_version_check: maybe }',
    'settings: { latency: 3 }',
    'settings: { latency: { scale: 3 } }',
    'settings: { latency: { time_scale: -1 } }',
    'settings: { latency_time_scale: 3 }',
    'settings: { audiences: [] }',
    'settings: { audiences: [5] }',
    'settings: { tool_calls_per_answer: [1, 99] }',
    'settings: { content_filter: { prompt: [{ category: nice, phrase: x }] } }',
    'settings: { config: other.yaml }',
    'upstreams: { east: { endpoint: "http://x" } }',
    'upstreams: { east: { endpoint: "http://x", key: k, retries: 99 } }',
    'upstreams: { default: { url: "http://x" } }',
    'upstreams: { "a b": { endpoint: "http://x", key: k } }',
    'deployments: [chat]',
    'deployments: { chat: {} }',
    'deployments: { chat: gpt-4o }',
    'deployments: { chat: { model: 5 } }',
    'deployments: { chat: { model: gpt-4o, tokens_per_minute: 0 } }',
    'deployments: { chat: { model: gpt-4o, tokens_per_minute: many } }',
    'deployments: { chat: { model: gpt-4o, requests_slice_seconds: 5 } }',
    'deployments: { chat: { model: gpt-4o, source: nowhere } }',
    'deployments: { chat: { model: gpt-4o, upstreams: east } }',
    'deployments: { " chat": { model: gpt-4o } }',
    'deployments: { chat: { model: gpt-4o, latency: { first_token: -1 } } }',
    'deployments: { chat: { model: gpt-4o, latency: { per_token: { distribution: uniform } } } }',
    'deployments: { chat: { model: gpt-4o, latency: { profil: auto } } }',
    'deployments: { chat: { model: gpt-4o, faults: { probability: 1 } } }',
    'deployments: { chat: { model: gpt-4o, faults: [{ probability: 1, fault: cut, deployment: chat }] } }',
    'resources: { Acme: {} }',
    'resources: { openai: {} }',
    'resources: { acme: 5 }',
    'resources: { acme: { port: 1 } }',
    'resources: { acme: { api_key: k } }',
    'resources: { acme: { keys: k } }',
    'resources: { acme: { keys: ["two words"] } }',
    'resources: { acme: { keys: [{ label: x }] } }',
    'resources: { acme: { keys: [{ key: k, name: x }] } }',
    'resources: { acme: { tokens: everyone } }',
    'resources: { acme: { deployments: { chat: { model: gpt-4o, tokens_per_minute: -1 } } } }',
    'faults: { probability: 1 }',
    'faults: [{ fault: cut }]',
    'faults: [{ probability: 2, fault: cut }]',
    'faults: [{ probability: 1 }]',
    'faults: [{ probability: 1, fault: explode }]',
    'faults: [{ probability: 1, fault: { kind: error } }]',
    'faults: [{ probability: 1, fault: { kind: cut, after_share: 1 } }]',
    'incidents: { phases: [] }',
    'incidents: { phases: [{ minutes: 5 }] }',
    'incidents: { phases: [{ name: a, duration: 5 minutes }] }',
    'incidents: { phases: [{ name: a, limits: { factor: 0 } }] }',
  ])('refuses what the loader refuses: %s', (text) => {
    expect(problemsOf(text)).toContain('aoai-sim.yaml')
    expect(validate(parse(text))).toBe(false)
  })

  it('refuses no value of a setting that the loader accepts, except words in another case', () => {
    const values = [
      {},
      [],
      [''],
      ['x'],
      [5],
      null,
      true,
      '',
      ' ',
      'x',
      'on',
      '/x',
      'http://x',
      'hate: x',
      -1,
      0,
      0.5,
      1,
      60,
      1e9,
    ]
    // One file for 20 settings that the schema refuses with the same value: to load one for each takes seconds.
    const refused = new Map<unknown, string[]>()
    for (const [name, setting] of settingsByName) {
      const { default: fallback } = setting
      const own = fallback === undefined ? [] : [fallback, setting.read(fallback)]
      for (const value of [...values, ...own]) {
        const settings: Record<string, unknown> = {}
        setAt(settings, name.split('.'), value)
        if (!validate({ settings })) refused.set(value, [...(refused.get(value) ?? []), name])
      }
    }
    const chunk = 20
    for (const [value, all] of refused) {
      for (let from = 0; from < all.length; from += chunk) {
        const names = all.slice(from, from + chunk)
        const settings: Record<string, unknown> = {}
        for (const name of names) setAt(settings, name.split('.'), value)
        const found = problemsOf(JSON.stringify({ settings }), {})
        const accepted = names.filter((name) => !new RegExp(`settings\\.${name}(?![.\\w])`).test(found))
        expect([value, accepted]).toEqual([value, []])
      }
    }
  })
})
