import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { run } from '../../src/cli/run.ts'
import { createRandom } from '../../src/lib/random.ts'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/live-config.ts'
import { callProgram } from '../support/call-program.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Kind = 'proxy-env' | 'aoai-proxy'
type Section = Readonly<Record<string, unknown>>
interface Configuration {
  readonly settings: Section
  readonly upstreams?: Readonly<Record<string, Section>>
  readonly deployments?: Readonly<Record<string, Section>>
}

async function convert(kind: Kind, content: unknown) {
  writeFileSync(join(folder, 'given'), typeof content === 'string' ? content : JSON.stringify(content))
  const { code, out, err } = await callProgram(folder, ['import', kind, 'given'])
  if (code !== 0) return { code, out, err, config: {} as Configuration, loaded: undefined }
  return { code, out, err, config: parse(out) as Configuration, loaded: load(out) }
}

/** Loads a printed file as a start does, with a value for each variable that it names. */
function load(text: string): Config {
  const names = [...text.matchAll(/\{ env: "?([^"} ]+)"? \}/g)].map(([, name = '']) => name)
  const env = Object.fromEntries(names.map((name) => [name, `value-of-${name.toLowerCase()}`]))
  const readFile = (path: string): string => {
    if (path.endsWith('aoai-sim.yaml')) return text
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  }
  const sources = { flags: {}, workingDirectory: '/', readFile }
  return loadConfig({ ...sources, env: { ...env, SIMULATOR_CONFIG: 'aoai-sim.yaml' } })
}

const envFile = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

describe('aoai-sim import proxy-env', () => {
  it('converts every variable, and names the variables to set', async () => {
    const { code, err, config, loaded } = await convert(
      'proxy-env',
      envFile({
        AZURE_OPENAI_ENDPOINT: 'https://my-resource.openai.azure.com/',
        AZURE_OPENAI_API_KEY: 'main-key-0123456789',
        AZURE_OPENAI_PROXY_ADDRESS: '127.0.0.1:9000',
        AZURE_OPENAI_PROXY_MODE: 'azure',
        AZURE_OPENAI_APIVERSION: '2025-04-01-preview',
        AZURE_OPENAI_MODELS_APIVERSION: '2024-10-21',
        AZURE_OPENAI_RESPONSES_APIVERSION: '2025-03-01-preview',
        ANTHROPIC_APIVERSION: '2023-06-01',
        AZURE_OPENAI_MODEL_MAPPER: 'GPT-4o=prod-4o, o3=reasoner',
        AZURE_OPENAI_ENDPOINT_MAP:
          'o3-2025-04-16=https://east.openai.azure.com/:east-key-0123456789,gpt-5=https://west.openai.azure.com',
        AZURE_AI_STUDIO_DEPLOYMENTS: 'Mistral-Large-2407=Mistral-large-2407:eastus2',
        'AZURE_OPENAI_KEY_MISTRAL-LARGE-2407': 'mistral-key-0123456789',
        OPENAI_API_ENDPOINT: 'https://api.openai.com',
        DEBUG_LOG: '1',
      }),
    )
    expect(code).toBe(0)
    const versions = { default: '2025-04-01-preview', responses: 'v1' }
    const { model_map: names, ...settings } = config.settings
    expect(settings).toEqual({
      host: '127.0.0.1',
      port: 9_000,
      api_key: { env: 'SIMULATOR_API_KEY' },
      simulator_mode: 'forward',
    })
    expect(names).toMatchObject({ 'gpt-3.5-turbo': 'gpt-35-turbo-0613' })
    expect(config.upstreams).toEqual({
      default: {
        endpoint: 'https://my-resource.openai.azure.com',
        kind: 'azure',
        key: { env: 'AZURE_OPENAI_API_KEY' },
        api_version: versions,
      },
      'Mistral-large-2407': {
        endpoint: 'https://Mistral-large-2407.eastus2.models.ai.azure.com',
        kind: 'serverless',
        key: { env: 'AZURE_OPENAI_KEY_MISTRAL-LARGE-2407' },
      },
      east: {
        endpoint: 'https://east.openai.azure.com',
        kind: 'azure',
        key: { env: 'GATEWAY_KEY_EAST' },
        api_version: versions,
      },
      west: {
        endpoint: 'https://west.openai.azure.com',
        kind: 'azure',
        key: { env: 'AZURE_OPENAI_API_KEY' },
        api_version: versions,
      },
    })
    expect(loaded?.upstreams.get('east')).toMatchObject({
      credential: { kind: 'key', key: 'value-of-gateway_key_east' },
      apiVersion: { default: '2025-04-01-preview' },
    })
    expect(loaded?.defaultResource.deployments.get('gpt-5')?.to).toMatchObject({
      upstream: 'west',
      name: 'gpt-5',
    })
    expect(config.deployments).toEqual({
      'mistral-large-2407': { upstream: 'Mistral-large-2407/mistral-large-2407' },
      'o3-2025-04-16': { upstream: 'east/reasoner' },
      'gpt-5': { upstream: 'west/gpt-5' },
      'gpt-4o': { upstream: 'default/prod-4o' },
      o3: { upstream: 'default/reasoner' },
    })
    for (const lost of [
      'DEBUG_LOG',
      'AZURE_OPENAI_MODELS_APIVERSION',
      'AZURE_OPENAI_RESPONSES_APIVERSION',
      'OPENAI_API_ENDPOINT',
    ])
      expect(err).toMatch(new RegExp(`^  ${lost} is not carried over: \\S.+\\.$`, 'm'))
    expect(err).not.toContain('ANTHROPIC_APIVERSION')
    for (const variable of ['SIMULATOR_API_KEY', 'AZURE_OPENAI_API_KEY', 'GATEWAY_KEY_EAST'])
      expect(err).toMatch(new RegExp(`^  ${variable}: the key `, 'm'))
  })

  it.each([
    ['https://h.openai.azure.com', 'https://h.openai.azure.com', undefined],
    ['https://h.openai.azure.com/', 'https://h.openai.azure.com', undefined],
    ['https://h.openai.azure.com:8443', 'https://h.openai.azure.com:8443', undefined],
    ['https://h.openai.azure.com:443/', 'https://h.openai.azure.com', undefined],
    ['https://h.openai.azure.com:key1234', 'https://h.openai.azure.com', 'key'],
    ['https://h.openai.azure.com/:key123', 'https://h.openai.azure.com', 'key'],
    ['https://h.openai.azure.com:123456', 'https://h.openai.azure.com', 'key'],
    ['https://h.openai.azure.com:8443:key123', 'https://h.openai.azure.com:8443', 'key'],
    ['https://h.openai.azure.com:8443/:a:b/c==', 'https://h.openai.azure.com:8443', 'key'],
    ['https://h/base/:key123', 'https://h/base', 'key'],
    ['http://[::1]:9000:key123', 'http://[::1]:9000', 'key'],
  ])('reads the address %s of an endpoint map', async (target, endpoint, key) => {
    const { err, config } = await convert('proxy-env', `AZURE_OPENAI_ENDPOINT_MAP=gpt-4o=${target}\n`)
    const [name = '', upstream] = Object.entries(config.upstreams ?? {})[0] ?? []
    const variable = `GATEWAY_KEY_${name.toUpperCase().replaceAll('-', '_')}`
    expect(upstream).toEqual({
      endpoint,
      kind: 'azure',
      ...(key ? { key: { env: variable } } : { credential: 'caller' }),
    })
    expect(err).not.toMatch(/key1|123456|a:b/)
  })

  it('passes on the credential of the client if the proxy has no key', async () => {
    const { config } = await convert('proxy-env', 'AZURE_OPENAI_ENDPOINT=https://h.openai.azure.com\n')
    expect(config.upstreams).toEqual({
      default: { endpoint: 'https://h.openai.azure.com', kind: 'azure', credential: 'caller' },
    })
    expect(config.settings).toMatchObject({ host: '0.0.0.0', port: 11_437 })
  })

  it('forwards to OpenAI in the other mode, and reports variables that the mode does not use', async () => {
    const { err, config } = await convert(
      'proxy-env',
      'AZURE_OPENAI_PROXY_MODE=openai\nAZURE_OPENAI_MODEL_MAPPER=a=b\nAZURE_OPENAI_PROXY_ADDRESS=:8080\n',
    )
    expect(config.upstreams).toEqual({
      default: { endpoint: 'https://api.openai.com', kind: 'openai', credential: 'caller' },
    })
    expect(config.settings).toMatchObject({ host: '0.0.0.0', port: 8_080 })
    expect(err).toContain(
      'AZURE_OPENAI_MODEL_MAPPER is not carried over: AZURE_OPENAI_PROXY_MODE is not azure',
    )
  })

  it('replaces references to other variables, as Bun and Compose do', async () => {
    const { config } = await convert(
      'proxy-env',
      'NAME=my-east\nAZURE_OPENAI_ENDPOINT=https://${NAME}.openai.azure.com\n',
    )
    expect(config.upstreams?.['default']).toMatchObject({ endpoint: 'https://my-east.openai.azure.com' })
  })

  it('accepts no model without a service if there is no main address', async () => {
    const { config } = await convert('proxy-env', 'AZURE_AI_STUDIO_DEPLOYMENTS=llama=Llama:westus\n')
    expect(config.settings).toMatchObject({
      simulator_mode: 'forward',
      allow_undefined_openai_deployments: false,
    })
  })

  it.each([
    ['no variable of the proxies', 'PATH=/bin\n', 'AZURE_OPENAI_ENDPOINT is missing'],
    ['JSON', '{"models": []}', 'AZURE_OPENAI_ENDPOINT is missing'],
    ['no address', 'AZURE_OPENAI_ENDPOINT=my-resource\n', 'AZURE_OPENAI_ENDPOINT must be an http'],
    ['an unknown reference', 'AZURE_OPENAI_ENDPOINT=https://$X.azure.com\n', 'must be an http'],
    ['a password', 'AZURE_OPENAI_ENDPOINT=https://u:hunter22@h\n', 'must be an http'],
    [
      'no port',
      'AZURE_OPENAI_ENDPOINT=https://h\nAZURE_OPENAI_PROXY_ADDRESS=localhost\n',
      'must be host:port',
    ],
    [
      'a large port',
      'AZURE_OPENAI_ENDPOINT=https://h\nAZURE_OPENAI_PROXY_ADDRESS=:70000\n',
      'must be host:port',
    ],
    ['an item without a value', 'AZURE_OPENAI_ENDPOINT_MAP=gpt-4o=https://h,hunter22\n', '(see item 2)'],
    ['a mapped key without an address', 'AZURE_OPENAI_ENDPOINT_MAP=gpt-4o=hunter22\n', 'for gpt-4o'],
    [
      'a region without a name',
      'AZURE_AI_STUDIO_DEPLOYMENTS=llama=westus\n',
      'must have Name:Region for llama',
    ],
    [
      'a wrong version',
      'AZURE_OPENAI_ENDPOINT=https://h\nAZURE_OPENAI_APIVERSION=2024-13-01\n',
      'must be a date',
    ],
  ])('refuses %s with exit code 2', async (_, content, message) => {
    const { code, out, err } = await convert('proxy-env', content)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^Could not convert "given":\n {2}- /)
    expect(err).toContain(message)
    expect(err).not.toContain('hunter22')
  })
})

const aoaiProxy = {
  server: {
    host: '127.0.0.1',
    port: 3_001,
    adminPath: '/admin',
    adminAuth: { enabled: true, username: 'admin', password: 'admin-password-1' },
    caddy: { enabled: false, domain: '', transport: { dialTimeoutMs: 5_000 } },
    imageCompression: { enabled: true, maxSize: 1_600 },
    upstream: {
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 900_000,
      firstByteTimeoutMs: 300_000,
      idleTimeoutMs: 600_000,
      maxRetries: 2,
      retryBaseMs: 800,
      pool: { connections: 64, pipelining: 1 },
    },
  },
  auth: {
    mode: 'apiKey',
    apiKey: 'service-key-0123456789',
    scope: 'https://cognitiveservices.azure.com/.default',
  },
  apiKeys: [
    { id: 'old', key: 'client-key-old', status: 'disabled' },
    { id: 'app', key: 'client-key-app', status: 'enabled' },
    { id: 'batch', key: 'client-key-batch' },
  ],
  upstreams: [
    {
      name: 'foundry main',
      baseUrl: 'https://my-resource.openai.azure.com/',
      routes: { 'chat/completions': '/openai/v1/chat/completions', responses: '/openai/v1/responses' },
    },
    {
      name: 'dated',
      baseUrl: 'https://gateway.example.com',
      routes: {
        'chat/completions':
          '/azure/openai/deployments/{deployment}/chat/completions?api-version=2025-04-01-preview',
        responses: '/azure/openai/v1/responses',
        embeddings: '/azure/openai/v1/embeddings',
      },
    },
    { name: 'openai', baseUrl: 'https://api.openai.com', routes: { responses: '/v1/responses' } },
  ],
  models: [
    { id: 'gpt-4o', upstream: 'foundry main', targetModel: 'gpt-4o-prod' },
    { id: 'codex', upstream: 'dated', routes: { 'chat/completions': 'responses' } },
    { id: 'old', upstream: 'openai', routes: { '*': 'chat/completions' } },
    {
      id: 'odd',
      upstream: 'openai',
      routes: { 'chat/completions': 'responses', responses: 'chat/completions' },
    },
    { id: 'gpt-4o', upstream: 'openai' },
  ],
}

describe('aoai-sim import aoai-proxy', () => {
  it('converts every key, and reports what the gateway does not have', async () => {
    const { code, out, err, config } = await convert('aoai-proxy', aoaiProxy)
    expect(code).toBe(0)
    expect(config.settings).toEqual({
      host: '127.0.0.1',
      port: 3_001,
      admin_api_key: { env: 'ADMIN_API_KEY' },
      api_key: { env: 'SIMULATOR_API_KEY' },
      simulator_mode: 'forward',
      allow_undefined_openai_deployments: false,
    })
    const common = {
      key: { env: 'GATEWAY_UPSTREAM_KEY' },
      connect_timeout_ms: 10_000,
      first_byte_timeout_ms: 300_000,
      idle_timeout_ms: 600_000,
      total_timeout_ms: 900_000,
      connections: 64,
      retries: 2,
    }
    expect(config.upstreams).toEqual({
      'foundry-main': {
        endpoint: 'https://my-resource.openai.azure.com',
        kind: 'azure',
        api_version: 'v1',
        ...common,
      },
      dated: {
        endpoint: 'https://gateway.example.com/azure',
        kind: 'azure',
        api_version: { chatCompletions: '2025-04-01-preview', responses: 'v1' },
        ...common,
      },
      openai: { endpoint: 'https://api.openai.com', kind: 'openai', ...common },
    })
    expect(config.deployments).toEqual({
      'gpt-4o': { upstream: 'foundry-main/gpt-4o-prod' },
      codex: { upstream: 'dated/codex', form: 'responses' },
      old: { upstream: 'openai/old', form: 'chat' },
      odd: { upstream: 'openai/odd' },
    })
    for (const lost of [
      'server.imageCompression',
      'apiKeys[2] (batch)',
      'apiKeys[0] (old)',
      'upstreams[1].routes["embeddings"]',
      'server.upstream.retryBaseMs',
      'server.upstream.pool.pipelining',
      'models[3].routes',
      'models[4]',
    ]) {
      expect(err.split(`  ${lost} is not carried over: `)).toHaveLength(2)
      expect(out).toContain(`# ${lost} is not carried over: `)
    }
    expect(err).not.toContain('caddy')
  })

  it.each([
    ['no mode and no credential', {}, {}],
    [
      'a client secret',
      { tenantId: 't', clientId: 'c', clientSecret: 'client-secret-1' },
      {
        tenant_id: 't',
        client_id: 'c',
        client_secret: { env: 'GATEWAY_CLIENT_SECRET' },
      },
    ],
    [
      'an incomplete client',
      { tenantId: 't', clientId: 'c', managedIdentityClientId: 'm' },
      { client_id: 'm' },
    ],
    [
      'another scope',
      { mode: 'servicePrincipal', scope: 'https://ai.azure.com/.default' },
      {
        scope: 'https://ai.azure.com/.default',
      },
    ],
  ])('uses Microsoft Entra ID with %s', async (_, auth, keys) => {
    const { config } = await convert('aoai-proxy', {
      auth,
      upstreams: [{ name: 'a', baseUrl: 'https://a.openai.azure.com' }],
      models: [{ id: 'gpt-4o', upstream: 'a' }],
    })
    expect(config.upstreams).toEqual({
      a: { endpoint: 'https://a.openai.azure.com', kind: 'azure', credential: 'entra', ...keys },
    })
    expect(config.settings).toMatchObject({ host: '0.0.0.0', port: 3_000 })
  })

  const [upstream] = aoaiProxy.upstreams
  it.each<[string, unknown, string]>([
    ['a text that is not JSON', '{"apiKeys": [{"key": "hunter22"', 'It must be JSON'],
    ['a list', '[]', 'It must be a JSON object'],
    ['no models', { upstreams: [upstream] }, 'models must have at least one model'],
    ['no upstreams', { models: [{ id: 'a', upstream: 'b' }] }, 'upstreams must have at least one upstream'],
    [
      'an unknown upstream',
      { upstreams: [upstream], models: [{ id: 'a', upstream: 'b' }] },
      'models[0].upstream',
    ],
    ['no upstream of a model', { upstreams: [upstream], models: [{ id: 'a' }] }, 'models[0].upstream'],
    [
      'a model without an id',
      { upstreams: [upstream], models: [{ upstream: 'foundry main' }] },
      'models[0].id',
    ],
    ['two upstreams of a name', { ...aoaiProxy, upstreams: [upstream, upstream] }, 'upstreams[1].name'],
    [
      'a password in an address',
      { ...aoaiProxy, upstreams: [{ name: 'x', baseUrl: 'https://u:hunter22@h' }] },
      'baseUrl',
    ],
    [
      'a wrong mode',
      { ...aoaiProxy, auth: { mode: 'other' } },
      'auth.mode must be servicePrincipal or apiKey',
    ],
    ['a mode that is the key', { ...aoaiProxy, auth: { mode: 'hunter22', apiKey: 'hunter22' } }, 'auth.mode'],
    ['a port that is a text', { ...aoaiProxy, server: { port: '80' } }, 'server.port must be an integer'],
    ['models that are an object', { ...aoaiProxy, models: { a: 1 } }, 'models must be a list'],
    ['a server that is a list', { ...aoaiProxy, server: [] }, 'server must be an object'],
  ])('refuses %s with exit code 2', async (_, content, message) => {
    const { code, out, err } = await convert('aoai-proxy', content)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect(err).not.toContain('hunter22')
  })
})

describe('aoai-sim import', () => {
  it('reads standard input for "-"', async () => {
    let out = ''
    const code = await run({
      argv: ['import', 'proxy-env', '-'],
      env: {},
      workingDirectory: folder,
      stdout: { write: (text) => (out += text) },
      stderr: { write: () => undefined },
      signals: { on: () => undefined, off: () => undefined },
      readStandardInput: () => 'AZURE_OPENAI_ENDPOINT=https://h.openai.azure.com\n',
    })
    expect(code).toBe(0)
    expect(out).toContain('endpoint: https://h.openai.azure.com\n')
  })

  it('names a file that cannot be read', async () => {
    const { code, err } = await callProgram(folder, ['import', 'aoai-proxy', 'missing.json'])
    expect(code).toBe(2)
    expect(err).toMatch(/^Could not read "missing\.json": ENOENT/)
  })

  it.each([1, 2, 3, 4])(
    'prints valid YAML without a secret for invented settings (seed %d)',
    async (seed) => {
      const { secrets, files } = inventSettings(String(seed))
      let converted = 0
      for (const [kind, content] of files) {
        const { out, err, config } = await convert(kind, content)
        for (const secret of secrets) expect(out + err).not.toContain(secret)
        expect(
          Object.values(config.upstreams ?? {}).every(({ endpoint }) => URL.canParse(String(endpoint))),
        ).toBe(true)
        const printed = out.split('\n').filter((line) => !/^ *(?:#|[\w"].*:)|^$/.test(line))
        expect(printed).toEqual([])
        if (out !== '') converted++
      }
      expect(converted).toBeGreaterThan(5)
    },
  )
})

const oddTexts = [
  'yes',
  'null',
  '1e3',
  '- a',
  'a: b',
  'x # y',
  '{env: A}',
  'a"b\\c',
  "it's",
  'line\nbreak',
  '\u0085\u2028\u007f',
  '\ud800',
  'äöü',
  '*alias',
  'a'.repeat(300),
  '__proto__',
]

/** Settings of both proxies with names that are hard to write in YAML, and secrets in every place that can have one. */
function inventSettings(seed: string) {
  const random = createRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.unit() * items.length)] as T
  const secrets: string[] = []
  const secret = (): string => {
    const text = `secret-${Math.floor(random.unit() * 1e12).toString(36)}-${secrets.length}`
    secrets.push(text)
    return text
  }
  const name = (): string => (random.unit() < 0.5 ? pick(oddTexts) : `model-${Math.floor(random.unit() * 9)}`)
  const files = Array.from({ length: 10 }, (): readonly [Kind, unknown][] => {
    const upstreams = Array.from({ length: 3 }, (_, index) => ({
      name: `${name()}${index}`,
      baseUrl: `https://h${index}.example.com${pick(['', '/', '/base'])}`,
      routes: { [pick(['chat/completions', 'responses', name()])]: pick(['/v1/responses', name()]) },
    }))
    const key = secret()
    return [
      [
        'aoai-proxy',
        {
          server: { adminAuth: { enabled: true, password: secret() }, [name()]: secret() },
          auth: {
            mode: pick(['apiKey', 'servicePrincipal']),
            tenantId: 't',
            clientId: 'c',
            clientSecret: secret(),
            apiKey: key,
          },
          apiKeys: [{ id: key, key, status: name() }, { id: name(), key: secret() }, { key }],
          upstreams,
          models: Array.from({ length: 4 }, (_, index) => ({
            id: pick([`m${index}`, name()]),
            upstream: pick(upstreams).name,
            targetModel: name(),
          })),
        },
      ],
      [
        'proxy-env',
        envFile({
          AZURE_OPENAI_ENDPOINT: pick(['https://a.openai.azure.com', '']),
          AZURE_OPENAI_API_KEY: secret(),
          AZURE_OPENAI_ENDPOINT_MAP: `${pick(['gpt-4o', name()])}=https://b.openai.azure.com${pick(['', '/', ':443'])}:${secret()}`,
          AZURE_AI_STUDIO_DEPLOYMENTS: 'llama=Llama:westus',
          AZURE_OPENAI_KEY_LLAMA: secret(),
          AZURE_OPENAI_KEY_OTHER: secret(),
          MY_OTHER_TOKEN: secret(),
          AZURE_OPENAI_MODEL_MAPPER: `${name()}=${name()}`,
        }),
      ],
    ]
  }).flat()
  return { secrets, files }
}
