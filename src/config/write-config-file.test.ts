import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { kindOf } from './file-settings.ts'
import { type LiveConfig, loadLiveConfig } from './live-config.ts'
import { type Setting, settingsTable } from './settings-table.ts'
import { type FileFormat, fileFormats, writeConfigFile, writeIncidentFile } from './write-config-file.ts'

type Variables = Readonly<Record<string, string>>

const load = (files: Variables, env: Variables): LiveConfig =>
  loadLiveConfig({
    flags: {},
    env,
    workingDirectory: '/work',
    readFile: (path) => {
      const text = files[path.replace('/work/', '')]
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
      return text
    },
  })

/** Everything of a configuration that a file can have: without generated keys, ids of state, and times of keys. */
function comparable({ current, inputs }: LiveConfig): unknown {
  const resources = Array.from(current.resources, ([name, view]) => {
    const {
      id: _id,
      apiKey,
      apiKeyGenerated,
      keys,
      signingKey: _signing,
      config: _config,
      ...rest
    } = view as typeof view & { config?: unknown }
    const own = Array.from(
      keys.values(),
      ({ createdAt: _at, text: _text, variable: _variable, ...key }) => key,
    )
    return [name, { ...rest, own, apiKey: apiKeyGenerated ? 'generated' : apiKey }]
  })
  const { resources: _all, defaultResource: _default, adminApiKey: _admin, ...host } = current
  return { host, resources, upstreams: Object.keys(inputs.upstreams ?? {}).toSorted() }
}

/** Starts again from the written file, and returns both configurations and the text. */
function writeAndLoad(live: LiveConfig, env: Variables, format: FileFormat = 'yaml') {
  const text = writeConfigFile(live.inputs, new Map(), format)
  const again = load({ 'saved.yaml': text }, { ...env, SIMULATOR_CONFIG: 'saved.yaml' })
  return { text, again }
}

/** Values of settings that a rule cannot find by their schema. */
const texts: Variables = {
  SIMULATOR_SEED: '007',
  SIMULATOR_REGION: 'Sweden Central',
  SIMULATOR_API_KEY: 'planted-simulator-key',
  ADMIN_API_KEY: 'planted-admin-key',
  TWIN_ADMIN_TOKEN: 'planted-twin-token',
  TOOL_CALLS_PER_ANSWER: '1,1,2',
  EXTENSION_PATH: './one.ts,./two.ts',
  TIKTOKEN_CACHE_DIR: 'cache',
  ENTRA_AUDIENCES: 'https://one.example,https://two.example',
  ENTRA_TENANTS: 'aaaaaaaa-0000-0000-0000-000000000000',
  ENTRA_AUTHORITY: 'https://login.example',
  HOST: '0.0.0.0',
  PAGES_PREFIX: '/sim',
  PUBLIC_URL: 'https://sim.example',
  CORS_ORIGINS: 'https://app.example',
  WORKERS: '2',
  CONFIG_STORE: 'file:/data/changes.json',
  CONFIG_STORE_KEY: 'cGxhbnRlZGtleW9mdGhlc3RvcmFnZQ==',
  CONFIG_STORE_COPY: '/data/copy.json',
  MODEL_MAP: 'gpt-4=my-gpt-4,gpt-4o=chat',
  RECORDING_DIR: 'other-recordings',
  RECORDING_REDACT: 'user,"planted secret text",/planted-\\d+/',
  MATCH_IGNORE_FIELDS: 'user,seed',
  MATCH_NORMALIZE: 'ids,timestamps',
  MATCH_HEADERS: 'x-one,x-two',
  REPLAY_TEST_HEADER: 'x-test',
  AZURE_OPENAI_ENDPOINT: 'https://real.openai.azure.com',
  AZURE_OPENAI_KEY: 'planted-upstream-key',
  UPSTREAM_TENANT_ID: 'tenant',
  UPSTREAM_CLIENT_ID: 'client',
  UPSTREAM_CLIENT_SECRET: 'planted-client-secret',
  UPSTREAM_SCOPE: 'https://one.example/.default',
  UPSTREAM_API_VERSION: 'responses=v1,default=by-model',
  CONTENT_FILTER_PROMPT: 'hate: bad words; jailbreak: ignore',
  CONTENT_FILTER_COMPLETION: 'violence: attack',
  CONTENT_FILTER_LATE: 'sexual: late',
  REDIS_URL: 'redis://:planted-redis-password@redis:6379',
  REDIS_PREFIX: 'other:',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:planted-otel-password@collector:4318',
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://collector:4318/v1/metrics',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=planted-header',
  OTEL_SERVICE_NAME: '1e5',
  OTEL_RESOURCE_ATTRIBUTES: 'a=b,c=d',
  APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=planted-connection',
}

/** Settings that name a file to read, and those that the written file has as sections. */
const files = new Set([
  'SIMULATOR_CONFIG',
  'OPENAI_DEPLOYMENT_CONFIG_PATH',
  'MODEL_CATALOGUE_PATH',
  'FAULTS_PATH',
  'INCIDENTS_PATH',
  'TLS_CERT_PATH',
  'TLS_KEY_PATH',
])

/** Returns a valid value that is not the default. */
function otherValue(setting: Setting): string {
  const { env, read, schema } = setting
  const named = texts[env]
  if (named !== undefined) return named
  const kind = kindOf(setting)
  const words = kind instanceof z.ZodEnum ? kind.options.map(String) : []
  const isOther = (text: string): boolean => {
    const value = schema.safeParse(read(text))
    return value.success && JSON.stringify(value.data) !== JSON.stringify(schema.safeParse(undefined).data)
  }
  const found = [...words, 'true', 'false', '0.25', '3', '7', '100'].find(isOther)
  if (found === undefined) throw new Error(`Add a value of ${env} to the test.`)
  return found
}

const upstream = {
  AZURE_OPENAI_ENDPOINT: 'https://real.openai.azure.com',
  AZURE_OPENAI_KEY: 'planted-upstream-key',
}
const { AZURE_OPENAI_ENDPOINT } = upstream
const entra = {
  AZURE_OPENAI_ENDPOINT,
  UPSTREAM_CREDENTIAL: 'entra',
  UPSTREAM_TENANT_ID: 'tenant',
  UPSTREAM_CLIENT_ID: 'client',
  UPSTREAM_CLIENT_SECRET: 'planted-client-secret',
}

const blobStore = { CONFIG_STORE: 'blob:https://acct.blob.core.windows.net/container/changes.json' }

/** Settings without which another one is invalid. */
const needs: Readonly<Record<string, Variables>> = {
  SIMULATOR_MODE: upstream,
  AZURE_OPENAI_KEY: upstream,
  UPSTREAM_TENANT_ID: entra,
  UPSTREAM_CLIENT_ID: entra,
  UPSTREAM_CLIENT_SECRET: entra,
  UPSTREAM_SCOPE: entra,
  UPSTREAM_API_VERSION: upstream,
  CONFIG_STORE_KEY: blobStore,
  CONFIG_STORE_COPY: blobStore,
  REDIS_REQUIRED: { REDIS_URL: 'redis://:planted-redis-password@redis:6379' },
}

/** Returns the variables that the file names, with their values. */
function secretsOf({ inputs }: LiveConfig): Variables {
  return Object.fromEntries(
    inputs.given.flatMap(({ setting, typed }) =>
      setting.secret || !setting.isQuoted ? [[setting.env, String(typed)]] : [],
    ),
  )
}

describe('a written configuration file', () => {
  const names = settingsTable()
    .map(({ env }) => env)
    .filter((env) => !files.has(env))

  it.each(names)('has %s, so that a start from it has the same value', (name) => {
    const setting = settingsTable().find(({ env }) => env === name)!
    const env = { SIMULATOR_API_KEY: 'planted-simulator-key', ...needs[name], [name]: otherValue(setting) }
    const live = load({}, env)
    for (const format of fileFormats) {
      const { text, again } = writeAndLoad(live, secretsOf(live), format)
      expect(text).not.toContain('planted')
      expect(new RegExp(`env"?: "?${name}\\b`).test(text) || !setting.secret).toBe(true)
      expect(comparable(again)).toEqual(comparable(live))
      expect(again.shown()).toEqual(live.shown())
    }
  })

  it('has no settings of a start without any, and starts as before', () => {
    const live = load({}, {})
    const { text, again } = writeAndLoad(live, {})
    expect(parse(text)).toEqual({})
    expect(again.shown()).toEqual(live.shown())
  })

  it('has deployments, upstreams, resources, faults and incidents of the file of the start', () => {
    const config = `
settings: { region: Sweden Central, api_key: { env: OWN_KEY }, port: { env: OWN_PORT } }
upstreams:
  east: { endpoint: "https://east.openai.azure.com", key: { env: EAST_KEY }, api_version: "responses=v1" }
  my-east: { endpoint: "https://east.openai.azure.com", key: planted-literal }
  my.east: { endpoint: "https://east.openai.azure.com", key: planted-other }
deployments:
  chat: { model: gpt-4o, tokensPerMinute: 60_000, latency: { firstToken: { distribution: lognormal, medianMs: 500, sigma: 0.5 }, perToken: 12, concurrency: { slots: 4 } }, faults: [{ probability: 0.5, fault: { kind: cut, afterShare: 0.5 } }] }
  ptu: { model: gpt-5, provisioned_throughput_units: 50, spillover_to: chat }
  forwarded: { upstream: east/gpt-4o-prod }
  ci: { model: gpt-4o, upstream: my-east, source: replay, on_miss: forward }
  "<img src=x onerror=alert(1)> #: { [": { model: gpt-4o }
  "__proto__": { model: gpt-4o }
  "007": { model: gpt-4o, requestsPerMinute: 6 }
resources:
  acme:
    region: West US
    latency: { time_scale: 1 }
    recording_dir: acme-recordings
    upstream: east
    keys: [{ env: ACME_KEY, label: load test }, planted-key, { key: planted-second, enabled: false }, { hash: ${'a'.repeat(64)} }]
    deployments: { chat: { model: gpt-4o-mini, tokens_per_minute: 1 } }
    faults: [{ probability: 0.1, fault: { kind: error, error: capacity429, retryAfterSeconds: 5 }, deployment: chat }]
    incidents: { startAfter: 10s, repeat: true, phases: [{ name: a, seconds: 1, latency: { firstTokenFactor: 3 } }] }
  empty: {}
faults: [{ name: own, probability: 0.01, fault: { kind: stall, ms: forever }, deployment: chat, stream: true }]
incidents: { phases: [{ name: slow, duration: 8m30s, limits: { factor: 0.5 }, faults: [{ probability: 1, fault: overloaded503 }] }] }
`
    const env = {
      OWN_KEY: 'planted-own',
      OWN_PORT: '9000',
      EAST_KEY: 'planted-east',
      ACME_KEY: 'planted-acme',
    }
    const live = load({ 'aoai-sim.yaml': config }, { ...env, SIMULATOR_CONFIG: 'aoai-sim.yaml' })
    const written = {
      ...env,
      UPSTREAM_MY_EAST_KEY: 'planted-literal',
      UPSTREAM_MY_EAST_KEY_2: 'planted-other',
      RESOURCE_ACME_KEY: 'planted-key',
      RESOURCE_ACME_KEY_2: 'planted-second',
    }
    for (const format of fileFormats) {
      const { text, again } = writeAndLoad(live, written, format)
      expect(text).not.toContain('planted')
      expect(comparable(again)).toEqual(comparable(live))
      expect(again.shown()).toEqual(live.shown())
      // A second file is the same, so that it can be compared with the first.
      expect(parse(writeConfigFile(again.inputs, new Map(), format))).toEqual(parse(text))
    }
    const { text } = writeAndLoad(live, written)
    for (const name of Object.keys(written)) expect(text).toMatch(new RegExp(`^#   ${name}: `, 'm'))
  })

  it('has the place of changes, but no SAS of a blob', () => {
    const file = load({}, { CONFIG_STORE: 'file:/data/changes.json' })
    expect(writeAndLoad(file, {}).text).toContain('config_store: file:/data/changes.json')
    const store =
      'blob:https://acct.blob.core.windows.net/container/changes.json?sv=2026-01-01&sp=rcw&sig=planted'
    const { text } = writeAndLoad(load({}, { CONFIG_STORE: store }), { CONFIG_STORE: store })
    expect(text).toContain('config_store:\n    env: CONFIG_STORE')
    expect(text).not.toContain('planted')
  })

  it('has changes at run time, without those that were reverted', async () => {
    const live = load({}, { SIMULATOR_API_KEY: 'planted-simulator-key', LATENCY_TIME_SCALE: '0' })
    const patch = async (change: unknown) => expect((await live.patch(change)).problems).toEqual([])
    await patch({ region: 'West US', latency: { time_scale: 2 }, content_filter: { prompt: 'hate: bad' } })
    await patch({
      openai_deployments: { 'gpt-4o': { tokens_per_minute: 1 }, whisper: null, mine: { model: 'gpt-4o' } },
    })
    await patch({ region: null, faults: [{ probability: 0.5, fault: 'serverError' }] })
    const { text, again } = writeAndLoad(live, { SIMULATOR_API_KEY: 'planted-simulator-key' })
    expect(text).not.toContain('planted')
    expect(parse(text)).toMatchObject({ settings: { latency: { time_scale: 2 } } })
    expect(text).not.toContain('region')
    expect(again.shown()).toEqual(live.shown())
  })

  it('names another variable than one that the configuration uses for something else', () => {
    const config = `
upstreams:
  a: { endpoint: "http://a", key: literal }
  b: { endpoint: "http://b", key: { env: UPSTREAM_A_KEY } }
`
    const live = load({ 'c.yaml': config }, { UPSTREAM_A_KEY: 'b-key', SIMULATOR_CONFIG: 'c.yaml' })
    const { text } = writeAndLoad(live, { UPSTREAM_A_KEY: 'b-key', UPSTREAM_A_KEY_2: 'literal' })
    expect(parse(text)).toMatchObject({
      upstreams: { a: { key: { env: 'UPSTREAM_A_KEY_2' } }, b: { key: { env: 'UPSTREAM_A_KEY' } } },
    })
  })
})

describe('a written incident file', () => {
  it.each(fileFormats)('is one that INCIDENTS_PATH accepts, in %s', (format) => {
    const timetable = {
      startAfter: '10s',
      phases: [{ name: 'a', minutes: 1, latency: { firstTokenFactor: 3 } }],
    }
    const text = writeIncidentFile(timetable, format)
    const live = load({ 'incidents.yaml': text }, { INCIDENTS_PATH: 'incidents.yaml' })
    expect(live.current.defaultResource.incidents?.source).toEqual(timetable)
  })
})
