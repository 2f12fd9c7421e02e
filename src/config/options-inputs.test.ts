import { describe, expect, expectTypeOf, it } from 'vitest'
import type { ResourceView } from './config.ts'
import type { ConfigOptions, ReplacedSetting } from './config-options.ts'
import { inputsOfOptions, liveConfigOfOptions } from './options-inputs.ts'
import { resolveInputs } from './resolve-inputs.ts'
import type { Settings } from './settings-schema.ts'
import { settingsTable } from './settings-table.ts'

const configOf = (options: ConfigOptions): ResourceView =>
  liveConfigOfOptions(options).current.defaultResource

/** Returns all problems of options of any type, as from JavaScript. */
function problemsOf(options: object): string[] {
  const { inputs, problems } = inputsOfOptions(options)
  const resolved = resolveInputs(inputs)
  return [...problems, ...('problems' in resolved ? resolved.problems : [])]
}

describe('options', () => {
  it('have the same result as variables and files', () => {
    const config = configOf({
      mode: 'replay',
      recordings: {
        dir: new URL('file:///fixtures/chat'),
        redact: ['user', '"my words"', /sk-\w+/],
        match: { ignoreFields: ['user', 'metadata'], apiVersion: true },
        replay: { onMiss: 'generate' },
      },
      apiKey: 'key',
      seed: 'one',
      region: 'West Europe',
      deployments: {
        chat: {
          model: 'gpt-4o',
          tokensPerMinute: 1_000,
          latency: { firstToken: 300, burst: 'off' },
          faults: [{ probability: 0.5, fault: 'serverError' }],
        },
      },
      models: {
        mine: { contextTokens: 1_000, maxOutputTokens: 100, operations: ['chatCompletions'] },
      },
      faults: [{ probability: 1, fault: { kind: 'stall', ms: 'forever' }, deployment: 'chat' }],
      incidents: { phases: [{ name: 'slow', duration: '2m', latency: { firstTokenFactor: 3 } }] },
      latency: { timeScale: 0.5, chatCompletions: { perToken: { meanMs: 7 } } },
      contentFilter: { prompt: ['boo', { category: 'jailbreak', phrase: 'Rules: none' }] },
      journal: true,
      env: { LIMIT_PROFILE: '2024-10', SIMULATOR_SEED: 'another' },
    })
    expect(config).toMatchObject({
      mode: 'replay',
      recordings: {
        dir: '/fixtures/chat',
        redact: [
          { kind: 'name', name: 'user' },
          { kind: 'pattern', source: 'my words' },
          { kind: 'pattern', source: 'sk-\\w+' },
        ],
        match: { ignoreFields: ['user', 'metadata'], apiVersion: true },
        replay: { onMiss: 'generate' },
      },
      apiKey: 'key',
      apiKeyGenerated: false,
      seed: 'one',
      region: 'West Europe',
      limitProfile: '2024-10',
      deploymentsAreDefault: false,
      latency: { timeScale: 0.5, chatCompletions: { perToken: { meanMs: 7, stdDevMs: 6 } } },
      contentFilter: {
        prompt: [
          { category: 'violence', phrase: 'boo' },
          { category: 'jailbreak', phrase: 'rules: none' },
        ],
      },
      faults: [{ label: 'stall', fault: { ms: Infinity } }],
      incidents: { phases: [{ name: 'slow', endMs: 120_000 }] },
      journalSize: 1_000,
    })
    expect([...config.deployments.keys()]).toEqual(['chat'])
    expect(config.models.models.some(({ name }) => name === 'mine')).toBe(true)
  })

  it('with lists are shown as the text that a patch accepts', () => {
    const prompt = ['boo', { category: 'jailbreak', phrase: 'Rules: none' }] as const
    const shown = liveConfigOfOptions({ contentFilter: { prompt, late: 'hate: x' } }).shown()
    expect(shown['content_filter']).toEqual({
      prompt: 'boo;jailbreak: Rules: none',
      completion: null,
      late: 'hate: x',
    })
  })

  it('with an empty list are invalid for settings that are not lists', () => {
    const right = settingsTable().filter(({ path }) => {
      const options = path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), [])
      return problemsOf(options as object).length === 0
    })
    expect(right.map(({ path }) => path.join('.')).toSorted()).toEqual([
      'contentFilter.completion',
      'contentFilter.late',
      'contentFilter.prompt',
      'corsOrigins',
      'entra.audiences',
      'entra.tenants',
      'recordings.match.headers',
      'recordings.match.ignoreFields',
      'recordings.match.normalize',
      'recordings.redact',
    ])
    expect(problemsOf({ region: [] })).toEqual([expect.stringContaining('region must be a name in')])
  })

  it('that are absent or undefined have the defaults of the library', () => {
    const config = configOf({ seed: undefined, latency: { profile: undefined }, deployments: undefined })
    expect(config).toMatchObject({
      mode: 'generate',
      latency: { timeScale: 0, profile: 'off' },
      logLevel: 'warn',
      port: 0,
      shutdownGraceSeconds: 1,
      journalSize: 0,
      deploymentsAreDefault: true,
      apiKeyGenerated: true,
    })
  })

  it('ignore the environment of the process', () => {
    process.env['SIMULATOR_REGION'] = 'Nowhere'
    process.env['SIMULATOR_UNHEARD_OF'] = '1'
    try {
      expect(configOf({}).region).toBe('East US 2')
    } finally {
      delete process.env['SIMULATOR_REGION']
      delete process.env['SIMULATOR_UNHEARD_OF']
    }
  })

  it('read the files named by variables, and never .env', () => {
    const paths: string[] = []
    const { inputs } = inputsOfOptions(
      { env: { FAULTS_PATH: 'faults.json' } },
      {
        workingDirectory: '/work',
        readFile: (path) => {
          paths.push(path)
          return '{"faults":[]}'
        },
      },
    )
    expect(paths).toEqual(['/work/faults.json'])
    expect(inputs.faults).toEqual({ entries: { faults: [] }, location: 'faults.json' })
  })

  it('are copied, so that later changes of the objects have no effect', () => {
    const chat = { model: 'gpt-4o', tokensPerMinute: 1_000 }
    const first = configOf({ deployments: { chat } })
    chat.tokensPerMinute = 2_000
    expect(first.deployments.get('chat')?.tokensPerMinute).toBe(1_000)
    expect(configOf({ deployments: { chat } }).deployments.get('chat')?.tokensPerMinute).toBe(2_000)
    expect(Object.isFrozen(chat)).toBe(false)
  })

  it('that are invalid are all reported, each with its path', () => {
    expect(
      problemsOf({
        latency: { timeScale: 'fast', profil: 'auto', chatCompletions: 3 },
        deployment: {},
        deployments: { chat: { model: 'gpt-4oo' } },
        faults: [{ probability: 2, fault: 'cut' }],
        incidents: { phases: [] },
        models: [],
        mode: 'playback',
        journal: -1,
        log: 'loud',
        port: 8000,
        contentFilter: { prompt: ['a;b'] },
        recordings: { redact: [/x/i], match: { headers: ['a b'] } },
        modelsStrict: true,
        env: { SIMULATOR_SED: 'x', MATCH_HOST: 'perhaps' },
      }),
    ).toEqual([
      expect.stringMatching(/^SIMULATOR_SED is not a setting. Did you mean SIMULATOR_SEED\?$/),
      'latency.profil is not an option. Did you mean latency.profile?',
      'latency.chatCompletions must be an object (got 3).',
      'deployment is not an option. Did you mean deployments?',
      'port is not an option. Pass it to listen().',
      expect.stringMatching(/^models must be an object with names as its keys \(got \[\]\)/),
      expect.stringMatching(/^mode must be generate, record, replay or forward \(got "playback"\)/),
      expect.stringMatching(
        /^recordings.redact\[0\] must be a regular expression without flags .*\(got \/x\/i\)/,
      ),
      expect.stringMatching(/^recordings.match.headers\[0\] must be one name \(got "a b"\)/),
      expect.stringMatching(/^MATCH_HOST must be on or off \(got "perhaps"\)/),
      expect.stringMatching(/^log must be debug, info, warn or error \(got "loud"\)/),
      expect.stringMatching(/^contentFilter.prompt\[0\] must be text without ";"/),
      expect.stringMatching(/^latency.timeScale must be a number of at least 0 \(got "fast"\)/),
      expect.stringMatching(/^journal must be an integer from 0 to 1000000 \(got -1\)/),
      expect.stringMatching(/^deployments: "chat".model must be a known model, .* Did you mean gpt-4o/),
      expect.stringMatching(/^options: faults\[0\].probability must be a number from 0 to 1 \(got 2\)/),
      expect.stringMatching(/^incidents: phases must have at least one phase/),
    ])
  })

  it('have a path for each setting without a replacement', () => {
    expectTypeOf<Exclude<keyof Settings, keyof ConfigOptions | ReplacedSetting>>().toBeNever()
  })

  it('can have resources and upstreams, in the form of the configuration file', () => {
    const { resources } = liveConfigOfOptions({
      region: 'West Europe',
      env: { ACME_KEY: 'from-env' },
      upstreams: { east: { endpoint: 'http://east', key: 'east-key', retries: 2 } },
      resources: {
        acme: {
          keys: ['k', { key: 'second', label: 'ci', enabled: false }],
          limitProfile: '2026-08',
          upstream: 'east',
          latency: { timeScale: 3 },
          deployments: { chat: { model: 'gpt-4o', tokensPerMinute: 600 } },
          faults: [{ probability: 1, fault: 'serverError', deployment: 'chat' }],
        },
        beta: {},
      },
    }).current
    expect([...resources.keys()]).toEqual(['default', 'acme', 'beta'])
    const acme = resources.get('acme')
    expect(acme).toMatchObject({
      region: 'West Europe',
      limitProfile: '2026-08',
      latency: { timeScale: 3 },
      upstream: { endpoint: 'http://east', credential: { kind: 'key', key: 'east-key' }, retries: 2 },
      faults: [{ deployment: 'chat' }],
    })
    expect(Array.from(acme?.keys.values() ?? [], ({ text, enabled }) => [text, enabled])).toEqual([
      ['k', undefined],
      ['second', false],
    ])
    expect(resources.get('beta')).toMatchObject({ latency: { timeScale: 0 }, upstream: undefined })
  })

  it('report all problems of resources and upstreams', () => {
    const problems = problemsOf({
      upstreams: { default: { endpoint: 'http://x' }, east: { endpoint: 'http://east' } },
      resources: {
        acme: { regoin: 'x', deployments: { chat: { model: 5 } }, keys: [{ env: 'NOWHERE' }] },
        beta: { region: 5 },
        Gamma: {},
      },
    })
    expect(problems.map((problem) => problem.split(' ').slice(0, 3).join(' '))).toEqual([
      'resources.acme: regoin is',
      'resources.acme: keys[0] names',
      'upstreams must not',
      'upstreams.east.key is missing.',
      'resources.Gamma: the name',
      'resources.acme.deployments: "chat".model must',
      'resources.beta.region must be',
    ])
  })
})
