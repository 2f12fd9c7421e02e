import { describe, expect, it } from 'vitest'
import { OperatorError } from '../lib/operator-error.ts'
import type { Config } from './config.ts'
import { loadConfig } from './live-config.ts'
import { KnownSecrets } from './redact-config.ts'

import { frozenMap } from '../lib/record.ts'
import { readResourceEntry } from './resource-entry.ts'
import { builtInCatalogue } from '../wire/models/model-catalogue.ts'
import type { ConfigSources } from './sources.ts'

interface Given {
  readonly flags?: ConfigSources['flags']
  readonly env?: ConfigSources['env']
  readonly files?: Readonly<Record<string, string>>
}

const load = (text: string, { flags = {}, env = {}, files = {} }: Given = {}): Config =>
  loadConfig({
    flags: { '--config': 'aoai-sim.yaml', ...flags },
    env,
    workingDirectory: '/work',
    readFile: (path) => {
      const found = { '/work/aoai-sim.yaml': text, ...files }[path]
      if (found === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return found
    },
  })

const problemsOf = (text: string, given?: Given): string[] => {
  try {
    load(text, given)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    expect(error.code).toBe('CONFIG_INVALID')
    return error.message.split('\n  ').slice(1)
  }
  return []
}

describe('a configuration file', () => {
  it('has settings by their name in a patch, and else by their variable in lower case', () => {
    const { defaultResource } = load(`
settings:
  region: Sweden Central
  latency: { time_scale: 0, open_ai_chat_completions: { mean: 5, first_token: { mean: 250 } } }
  api_version_check: off
  audiences: [https://one.example, https://two.example]
  content_filter: { prompt: ["hate: bad words", { category: violence, phrase: attack }] }
  port: 9000
  journal_size: 100
  watch: true
  log_level: WARNING
  limit_profile: 2026-08
  api_key: a-key
`)
    expect(defaultResource).toMatchObject({
      region: 'Sweden Central',
      latency: { timeScale: 0, chatCompletions: { perToken: { meanMs: 5 }, firstToken: { meanMs: 250 } } },
      apiVersionCheck: false,
      entra: { audiences: ['https://one.example', 'https://two.example'] },
      contentFilter: {
        prompt: [
          { category: 'hate', phrase: 'bad words' },
          { category: 'violence', phrase: 'attack' },
        ],
      },
      port: 9_000,
      journalSize: 100,
      watch: 'true',
      logLevel: 'warn',
      limitProfile: '2026-08',
      apiKey: 'a-key',
    })
  })

  it('can be JSON with a $schema, and have keys in camelCase', () => {
    const config = load(
      JSON.stringify({
        $schema: './aoai-sim.schema.json',
        settings: { limitProfile: '2026-08', journalSize: 3 },
        deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 600 } },
      }),
    )
    expect(config.defaultResource.limitProfile).toBe('2026-08')
    expect(config.journalSize).toBe(3)
    expect(config.defaultResource.deployments.get('chat')?.tokensPerMinute).toBe(600)
  })

  it('has deployments, faults and incidents in the form of their files, with keys in both cases', () => {
    const { defaultResource } = load(`
deployments:
  my_chat: { model: gpt-4o, tokens_per_minute: 600, latency: { first_token: 5 } }
  other: { model: gpt-4o, tokensPerMinute: "1_200" }
faults:
  - { probability: 0.5, fault: { kind: error, error: serverError, retry_after_seconds: 7 }, deployment: my_chat }
incidents:
  start_after: 1m
  phases: [{ name: slow, minutes: 1, latency: { first_token_factor: 3 } }]
`)
    expect(defaultResource.deploymentsAreDefault).toBe(false)
    expect([...defaultResource.deployments.keys()]).toEqual(['my_chat', 'other'])
    expect(defaultResource.deployments.get('my_chat')).toMatchObject({ tokensPerMinute: 600 })
    expect(defaultResource.deployments.get('other')).toMatchObject({ tokensPerMinute: 1_200 })
    expect(defaultResource.faults).toMatchObject([{ fault: { retryAfterSeconds: 7 }, deployment: 'my_chat' }])
    expect(defaultResource.incidents).toMatchObject({
      startAfterMs: 60_000,
      phases: [{ firstTokenFactor: 3 }],
    })
  })

  it('can leave out all sections, or have sections without a value', () => {
    expect(load('settings:\nresources:\nfaults:\ndeployments:\n').defaultResource).toMatchObject({
      deploymentsAreDefault: true,
      port: 8_000,
    })
    expect(load('{}').port).toBe(8_000)
  })

  it('takes values from variables and from .env', () => {
    const text = `
settings: { api_key: { env: A_KEY }, port: { env: A_PORT }, region: { env: REGION }, api_version_check: { env: CHECK } }
upstreams: { default: { endpoint: { env: ENDPOINT }, key: { env: UPSTREAM } } }
deployments: { chat: { model: { env: MODEL }, tokens_per_minute: { env: TPM } } }
faults: [{ probability: { env: SHARE }, fault: serverError }]
`
    const env = {
      A_KEY: '0123',
      A_PORT: '81',
      ENDPOINT: 'http://up',
      UPSTREAM: 'u',
      MODEL: 'gpt-4o',
      TPM: '60',
      SHARE: '0.2',
    }
    const files = { '/work/.env': 'REGION=Norway East\nCHECK=off\nA_PORT=82\n' }
    const { defaultResource } = load(text, { env, files })
    expect(defaultResource).toMatchObject({
      apiKey: '0123',
      port: 81,
      region: 'Norway East',
      apiVersionCheck: false,
      upstream: { endpoint: 'http://up', credential: { kind: 'key', key: 'u' } },
      faults: [{ probability: 0.2 }],
    })
    expect(defaultResource.deployments.get('chat')).toMatchObject({ tokensPerMinute: 60 })
  })

  it('has a lower priority than flags, variables and .env', () => {
    const text = 'settings: { port: 1, host: file, region: File, log_level: debug }'
    const files = { '/work/.env': 'PORT=2\nHOST=dotenv\nSIMULATOR_REGION=Dotenv\n' }
    const config = load(text, { flags: { '--port': '4' }, env: { PORT: '3', HOST: 'variable' }, files })
    expect(config.defaultResource).toMatchObject({
      port: 4,
      host: 'variable',
      region: 'Dotenv',
      logLevel: 'debug',
    })
  })

  it('has the upstream of the default resource, which variables override', () => {
    const text =
      'upstreams: { default: { endpoint: "http://file/", key: file-key, connect_timeout_ms: 5, idleTimeoutMs: 6 } }'
    expect(load(text).defaultResource.upstream).toMatchObject({
      endpoint: 'http://file',
      credential: { kind: 'key', key: 'file-key' },
      connectTimeoutMs: 5,
      idleTimeoutMs: 6,
      retries: 0,
    })
    const env = { AZURE_OPENAI_ENDPOINT: 'http://variable', AZURE_OPENAI_KEY: 'variable-key' }
    expect(load(text, { env }).defaultResource.upstream).toMatchObject({
      endpoint: 'http://variable',
      credential: { kind: 'key', key: 'variable-key' },
      connectTimeoutMs: 5,
    })
  })

  it('names files from the working directory, also if it is in another folder', () => {
    const files = {
      '/etc/sim/conf.yaml': 'settings: { openai_deployment_config_path: d.yaml, recording_dir: r }',
      '/work/d.yaml': 'chat: { model: gpt-4o }',
    }
    const { defaultResource } = load('', { flags: { '--config': '/etc/sim/conf.yaml' }, files })
    expect([...defaultResource.deployments.keys()]).toEqual(['chat'])
    expect(defaultResource.recordings.dir).toBe('/work/r')
  })
})

describe('the resources of a configuration file', () => {
  const text = `
settings: { region: West Europe, api_key: main-key, latency: { time_scale: 2 } }
upstreams:
  default: { endpoint: "http://main", key: main-up, connect_timeout_ms: 7, retries: 3 }
  east: { endpoint: "http://east/", key: { env: EAST }, idle_timeout_ms: 9 }
resources:
  acme:
    region: Sweden Central
    limitProfile: 2026-08
    tokens: own
    upstream: east
    keys: [plain-key, { env: ACME_KEY, label: ci }]
    deployments: { my_chat: { model: gpt-4o, tokens_per_minute: { env: TPM } } }
    faults: [{ probability: 1, fault: serverError, deployment: my_chat }]
    incidents: { phases: [{ name: slow, minutes: 1 }] }
  beta: { upstream: default }
  gamma: {}
`
  const env = { EAST: 'east-up', ACME_KEY: 'from-variable', TPM: '600' }

  it('have own settings, keys, deployments, faults and incidents, and inherit other settings', () => {
    const { resources } = load(text, { env })
    expect([...resources.keys()]).toEqual(['default', 'acme', 'beta', 'gamma'])
    const acme = resources.get('acme')
    expect(acme).toMatchObject({
      region: 'Sweden Central',
      limitProfile: '2026-08',
      entra: { tokens: 'own' },
      latency: { timeScale: 2 },
      faults: [{ deployment: 'my_chat' }],
      incidents: { phases: [{ name: 'slow' }] },
    })
    expect(Array.from(acme?.keys.values() ?? [], ({ text: key, label }) => [key, label])).toEqual([
      ['plain-key', undefined],
      ['from-variable', 'ci'],
    ])
    expect(acme?.deployments.get('my_chat')?.tokensPerMinute).toBe(600)
    expect(resources.get('gamma')).toMatchObject({ region: 'West Europe', faults: [], incidents: undefined })
    expect([...(resources.get('gamma')?.deployments.keys() ?? [])]).toEqual([])
    expect(resources.get('gamma')?.apiKey).not.toBe('main-key')
  })

  it('use the upstream that they name, without any setting of the default one', () => {
    const { resources } = load(text, { env })
    expect(resources.get('acme')?.upstream).toEqual({
      name: 'east',
      endpoint: 'http://east',
      kind: 'azure',
      credential: { kind: 'key', key: 'east-up' },
      apiVersion: { default: 'as-asked', byOperation: frozenMap([]), byModel: [] },
      connectTimeoutMs: 10_000,
      firstByteTimeoutMs: 600_000,
      idleTimeoutMs: 9,
      totalTimeoutMs: 1_800_000,
      connections: 512,
      retries: 0,
    })
    for (const name of ['beta', 'gamma', 'default'])
      expect(resources.get(name)?.upstream).toMatchObject({ endpoint: 'http://main', retries: 3 })
  })

  it('can have deployments with names that differ only in their case style', () => {
    const names = '{ myChat: { model: gpt-4o }, my_chat: { model: gpt-4o } }'
    const { resources } = load(`deployments: ${names}\nresources: { acme: { deployments: ${names} } }`)
    for (const { deployments } of resources.values())
      expect([...deployments.keys()]).toEqual(['myChat', 'my_chat'])
  })

  it('can name the default upstream', () => {
    const { inputs, problems } = readResourceEntry({ upstream: 'default' }, { models: builtInCatalogue })
    expect([inputs.given, inputs.upstream, problems]).toEqual([[], undefined, []])
  })

  it('have secrets that are redacted, also those of variables', () => {
    const config = load(text, { env })
    const secrets = new KnownSecrets(() => config).list()
    for (const secret of ['main-key', 'plain-key', 'from-variable', 'east-up', 'main-up'])
      expect(secrets).toContain(secret)
  })
})

describe('the problems of a configuration file', () => {
  const at = (text: string): string => `aoai-sim.yaml: ${text}`

  it.each<readonly [text: string, ...problems: string[]]>([
    [
      '',
      'aoai-sim.yaml must be a mapping with the sections settings, upstreams, deployments, resources, faults, incidents.',
    ],
    [
      '[]',
      'aoai-sim.yaml must be a mapping with the sections settings, upstreams, deployments, resources, faults, incidents.',
    ],
    ['deploymnets: {}', at('deploymnets is not a section. Did you mean deployments?')],
    [
      'x: {}',
      at(
        'x is not a section. The sections are settings, upstreams, deployments, resources, faults, incidents.',
      ),
    ],
    ['PORT: 1', at('PORT is not a section. Move it into settings, as port.')],
    ['settings: 5', at('settings must be a mapping with settings (got 5).')],
    ['deployments: [chat]', at('deployments must map deployment names to deployments (got ["chat"]).')],
    [
      'faults: { probability: 1 }',
      at('faults must be a list of faults (got {"probability":1}). docs/faults.md has examples.'),
    ],
    ['incidents: []', at('incidents must be a mapping with phases (got []).')],
    ['settings: { a: 1, a: 2 }', at('the key "a" is a duplicate (line 1, column 19). Remove one of them.')],
    ['settings: { regoin: x }', at('settings.regoin is not a setting. Did you mean region?')],
    [
      'settings: { "latency.time_scale": 3 }',
      at('settings."latency.time_scale" must be nested: write each part in its own mapping.'),
    ],
    [
      'resources: { acme: { "latency.time_scale": 3 } }',
      at('resources.acme."latency.time_scale" must be nested: write each part in its own mapping.'),
    ],
    [
      'resources: { acme: { region: x, Region: y } }',
      at('resources.acme.Region is not a setting of a resource. Did you mean region?'),
    ],
    [
      'resources: { acme: { deployments: { c: { model: gpt-4o, serviceTier: default, service_tier: default } } } }',
      at('resources.acme.deployments.c.service_tier is the same key as serviceTier. Remove one of them.'),
    ],
    ['settings: { latency: 3 }', at('settings.latency must be a mapping (got 3).')],
    [
      'settings: { latency: { time_scal: 3 } }',
      at('settings.latency.time_scal is not a setting. Did you mean latency.time_scale?'),
    ],
    [
      'settings: { LATENCY_TIME_SCALE: 3 }',
      at('settings.LATENCY_TIME_SCALE is not a setting. Did you mean latency.time_scale?'),
    ],
    [
      'settings: { SIMULATOR_REGION: x }',
      at('settings.SIMULATOR_REGION is not a setting. Did you mean region?'),
    ],
    [
      'settings: { openai_deployments: {} }',
      at('settings.openai_deployments is not a setting. Use the section deployments, beside settings.'),
    ],
    [
      'settings: { config: x }',
      at('settings.config is not a setting of a file. One configuration file cannot name another.'),
    ],
    [
      'settings: { port: 70000 }',
      at(
        'settings.port must be an integer from 0 to 65535 (got 70000). Set it to 8000 (the default) or to another valid value.',
      ),
    ],
    [
      'settings: { port: null }',
      at(
        'settings.port must be an integer from 0 to 65535 (got null). Set it to 8000 (the default) or to another valid value.',
      ),
    ],
    ['settings: { seed: 42 }', at('settings.seed must be text (got 42). Put the value in quotes.')],
    [
      'settings: { api_key: 42 }',
      at('settings.api_key must be text (got [redacted]). Put the value in quotes.'),
    ],
    [
      'settings: { api_key: my secret }',
      at(
        'settings.api_key must be visible ASCII characters without spaces (got [redacted]). Correct it, or leave it unset (32 random characters, new at each start).',
      ),
    ],
    [
      'settings: { region: { env: NOWHERE } }',
      at('settings.region names the variable NOWHERE, which is not set. Set it.'),
    ],
    [
      'settings: { region: { env: EMPTY } }',
      at('settings.region names the variable EMPTY, which is not set. Set it.'),
    ],
    [
      'settings: { port: { env: WORDS } }',
      at(
        'settings.port must be an integer from 0 to 65535 (got the value of WORDS). Set it to 8000 (the default) or to another valid value.',
      ),
    ],
    [
      'settings: { wire_profile: 2026-09, wireProfile: 2026-08 }',
      at('settings.wireProfile is the same key as wire_profile. Remove one of them.'),
    ],
    [
      'upstreams: { default: { url: http://x } }',
      at(
        'upstreams.default.url is not a key of an upstream. The keys are endpoint, key, kind, credential, tenant_id, client_id, client_secret, scope, api_version, connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms, total_timeout_ms, connections, retries.',
      ),
    ],
    [
      'upstreams: { default: { endpont: http://x } }',
      at('upstreams.default.endpont is not a key of an upstream. Did you mean endpoint?'),
    ],
    [
      'upstreams: { default: 5 }',
      at(
        'upstreams.default must be a mapping with the keys endpoint, key, kind, credential, tenant_id, client_id, client_secret, scope, api_version, connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms, total_timeout_ms, connections, retries (got 5).',
      ),
    ],
    [
      'upstreams: { east: { endpoint: http://x } }',
      at(
        'upstreams.east.key is missing. Set it to the key of the service, or set credential to entra or caller.',
      ),
    ],
    [
      'upstreams: { east: { endpoint: ftp://x, key: k } }',
      at(
        'upstreams.east.endpoint must be an http or https address without a query, a password or the path of an operation (got [redacted]). Correct it, or leave it unset (none; record and forward need it).',
      ),
    ],
    ...['anthropic/v1/messages', 'openai/v1/responses/', 'openai/deployments/x', 'v1/chat/completions'].map(
      (path) =>
        [
          `upstreams: { east: { endpoint: "https://x.example/${path}", key: k } }`,
          at(
            'upstreams.east.endpoint must be an http or https address without a query, a password or the path of an operation (got [redacted]). Correct it, or leave it unset (none; record and forward need it).',
          ),
        ] as const,
    ),
    [
      'upstreams: { "a b": { endpoint: http://x, key: k } }',
      at('upstreams."a b" must have a name of 1 to 64 letters, digits, dots, dashes or underscores.'),
    ],
    [
      '{ settings: { azure_openai_key: k }, upstreams: { default: { key: k } } }',
      at('upstreams.default.key is also given by settings. Remove one of them.'),
    ],
    [
      'deployments: { chat: { model: 5 } }',
      at('deployments.chat.model must be the name of a model (got 5). Set it to gpt-4o-mini, for example.'),
    ],
    [
      'deployments: { "gpt-4.1": {} }',
      at(
        'deployments."gpt-4.1".model must be the name of a model (got nothing). Set it to gpt-4o-mini, for example.',
      ),
    ],
    [
      'deployments: { chat: { model: gpt-4o, upstream: east } }',
      at('deployments.chat.upstream must name an upstream (got "east"). No upstreams are configured.'),
    ],
    [
      'deployments: { chat: { model: gpt-4o, tokens_per_minute: { env: WORDS } } }',
      at(
        'deployments.chat.tokensPerMinute must be an integer of at least 1 (got "some words"). Set it to 20000, for example, or leave it out for no limit.',
      ),
    ],
    [
      'deployments: { chat: { model: { env: NOWHERE } } }',
      at('deployments.chat.model names the variable NOWHERE, which is not set. Set it.'),
      at(
        'deployments.chat.model must be the name of a model (got nothing). Set it to gpt-4o-mini, for example.',
      ),
    ],
    [
      'deployments: { "": { model: gpt-4o } }',
      at(
        'deployments: The name of a deployment must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end (got ""). Rename it.',
      ),
    ],
    [
      'deployments: { chat: { model: gpt-4o, source: forward } }',
      at(
        'deployments.chat.source: forward needs AZURE_OPENAI_ENDPOINT. Set it to the address of the service.',
      ),
      at('deployments.chat.source: forward needs AZURE_OPENAI_KEY. Set it to the key of that service.'),
    ],
    [
      'resources: { acme: { regoin: x } }',
      at('resources.acme.regoin is not a setting of a resource. Did you mean region?'),
    ],
    [
      'resources: { acme: { port: 1 } }',
      at('resources.acme.port is a setting of all resources. Set it outside of the resource.'),
    ],
    [
      'resources: { acme: { deployments: { chat: { model: gpt-4o, tokens_per_minute: x } } } }',
      at(
        'resources.acme.deployments.chat.tokensPerMinute must be an integer of at least 1 (got "x"). Set it to 20000, for example, or leave it out for no limit.',
      ),
    ],
    [
      'resources: { acme: { deployments: { chat: { model: { env: NOWHERE } } } } }',
      at('resources.acme.deployments.chat.model names the variable NOWHERE, which is not set. Set it.'),
      at(
        'resources.acme.deployments.chat.model must be the name of a model (got nothing). Set it to gpt-4o-mini, for example.',
      ),
    ],
    [
      'resources: { acme: { keys: [{ env: NOWHERE }] } }',
      at('resources.acme.keys[0] names the variable NOWHERE, which is not set. Set it.'),
    ],
    [
      'resources: { acme: { faults: [{ probability: 2, fault: cut }] } }',
      at(
        'resources.acme.faults[0].probability must be a number from 0 to 1 (got 2). Set it to 0.05, for example, for one request in 20.',
      ),
    ],
    [
      'resources: { acme: { tokens: everyone } }',
      at(
        'resources.acme.tokens must be off, any, own or tenants (got "everyone"). Set it to off (the default) or to another valid value.',
      ),
    ],
    [
      'resources: { acme: { upstream: west } }\nupstreams: { east: { endpoint: "http://e", key: k } }',
      at('resources.acme.upstream must name an upstream (got "west"). Did you mean east?'),
    ],
    [
      'resources: { acme: { simulator_mode: forward } }',
      at(
        'resources.acme: SIMULATOR_MODE=forward needs AZURE_OPENAI_ENDPOINT. Set it to the address of the service.',
      ),
      at('resources.acme: SIMULATOR_MODE=forward needs AZURE_OPENAI_KEY. Set it to the key of that service.'),
    ],
    [
      'resources: { Acme: {}, v1: {} }',
      at(
        'resources.Acme: the name must have 1 to 64 characters of a-z, 0-9 and -, begin with a letter or digit, and not be a reserved name.',
      ),
      at(
        'resources.v1: the name must have 1 to 64 characters of a-z, 0-9 and -, begin with a letter or digit, and not be a reserved name.',
      ),
    ],
    [
      'settings: { region: "\\n" }\nresources: { acme: {}, beta: {} }',
      at(
        'settings.region must be a name in printable ASCII characters (got "\\n"). Set it to East US 2 (the default) or to another valid value.',
      ),
    ],
    [
      'faults: [{ probability: 2, fault: serverError }]',
      at(
        'faults[0].probability must be a number from 0 to 1 (got 2). Set it to 0.05, for example, for one request in 20.',
      ),
    ],
    [
      'incidents: { phases: [] }',
      at('incidents.phases must have at least one phase (got []). docs/incidents.md has examples.'),
    ],
  ])('%s', (text, ...problems) => {
    expect(problemsOf(text, { env: { EMPTY: '', WORDS: 'some words' } })).toEqual(problems)
  })

  it('are reported together, beside those of variables and other files', () => {
    const text = 'settings: { port: -1 }\ndeployments: { chat: { model: 5 } }\nfaults: [5]\nwrong: 1\n'
    const problems = problemsOf(text, { env: { SIMULATOR_SEEED: 'x', WORKERS: '0' } })
    expect(problems.map((problem) => problem.split(' ').slice(0, 2).join(' '))).toEqual([
      'aoai-sim.yaml: settings.port',
      'WORKERS must',
      'aoai-sim.yaml: wrong',
      'SIMULATOR_SEEED is',
      'aoai-sim.yaml: deployments.chat.model',
      'aoai-sim.yaml: faults[0]',
    ])
  })

  it.each([
    [
      'deployments: { chat: { model: gpt-4o } }',
      'deployments',
      'OPENAI_DEPLOYMENT_CONFIG_PATH',
      'c: { model: gpt-4o }',
    ],
    ['faults: []', 'faults', 'FAULTS_PATH', 'faults: []'],
    ['incidents: { phases: [{ name: a }] }', 'incidents', 'INCIDENTS_PATH', 'phases: [{ name: a }]'],
  ])('contain a section that a path gives as well: %s', (text, section, variable, content) => {
    const files = { '/work/other.yaml': content }
    const problem = at(`${section} is also given by ${variable}. Remove one of them.`)
    expect(problemsOf(text, { env: { [variable]: 'other.yaml' }, files })).toEqual([problem])
    const inFile = `${text}\nsettings: { ${variable.toLowerCase()}: other.yaml }`
    expect(problemsOf(inFile, { files })).toEqual([problem])
    expect(problemsOf('settings: {}', { env: { [variable]: 'other.yaml' }, files })).toEqual([])
  })

  it('name the flag or variable of a file that cannot be read', () => {
    expect(problemsOf('', { flags: { '--config': 'no.yaml' } })).toEqual([
      '--config names a file that cannot be read: ENOENT: /work/no.yaml. Set it to the path of the configuration file.',
    ])
    expect(
      problemsOf('', { flags: { '--config': undefined }, env: { SIMULATOR_CONFIG: 'no.yaml' } }),
    ).toEqual([
      'SIMULATOR_CONFIG names a file that cannot be read: ENOENT: /work/no.yaml. Set it to the path of the configuration file.',
    ])
  })

  it('have the position of a syntax error', () => {
    expect(problemsOf('settings: { port: 1\n')[0]).toMatch(
      /^aoai-sim\.yaml: not valid YAML or JSON: .* \(line \d, column \d+\)\.$/,
    )
  })
})
