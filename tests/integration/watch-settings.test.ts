import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { findModel } from '../../src/wire/models/model-catalogue.ts'
import { deploymentPath } from '../support/test-simulator.ts'
import { createWatchingSimulator, type WatchingSimulator } from '../support/watching-simulator.ts'

const env = { OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.yaml' }
const wait = { timeout: 30_000, interval: 20 }

const deployments = (tokensPerMinute: number): string =>
  `chat:\n  model: gpt-4o\n  tokensPerMinute: ${tokensPerMinute}\n`

function limitOf({ simulator }: WatchingSimulator): unknown {
  const deployment = simulator.config.defaultResource.deployments.get('chat')
  return deployment?.tokensPerMinute
}

describe('a deployment file that changes with WATCH on', () => {
  it('applies from the next request and is logged', async () => {
    const watching = await createWatchingSimulator({ 'deployments.yaml': deployments(1_000) }, env)
    const chat = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 }
    expect((await watching.ask(deploymentPath('chat', 'chat/completions'), chat)).status).toBe(200)
    writeFileSync(join(watching.dir, 'deployments.yaml'), deployments(20))
    await vi.waitFor(() => expect(watching.logged()).toContain('info: Reloaded deployments.yaml.'), wait)
    expect((await watching.ask(deploymentPath('chat', 'chat/completions'), chat)).status).toBe(429)
  })

  it('is reported if it is invalid and the old one stays in force, until it is fixed', async () => {
    const watching = await createWatchingSimulator({ 'deployments.yaml': deployments(1_000) }, env)
    const file = join(watching.dir, 'deployments.yaml')
    writeFileSync(file, 'chat:\n  model: [\n')
    await vi.waitFor(
      () =>
        expect(watching.logged()).toMatch(
          /error: Could not reload deployments\.yaml: 1 problem\. The previous configuration stays active\.\n {2}deployments\.yaml: not valid YAML or JSON: .*\(line \d+/,
        ),
      wait,
    )
    writeFileSync(file, 'chat:\n  model: gpt-4o\n  tokensPerMinute: many\nother:\n  model: 5\n')
    await vi.waitFor(() => expect(watching.logged()).toContain('deployments.yaml: 2 problems.'), wait)
    expect(limitOf(watching)).toBe(1_000)
    writeFileSync(file, deployments(2_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
  })

  it('keeps changes by the admin API on top', async () => {
    const watching = await createWatchingSimulator({ 'deployments.yaml': deployments(1_000) }, env)
    await watching.simulator.live.patch({ openai_deployments: { mine: { model: 'gpt-4o' } } })
    writeFileSync(join(watching.dir, 'deployments.yaml'), deployments(3_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(3_000), wait)
    expect([...watching.simulator.config.defaultResource.deployments.keys()].toSorted()).toEqual([
      'chat',
      'mine',
    ])
  })

  it('can be replaced by a rename repeatedly', async () => {
    const watching = await createWatchingSimulator({ 'deployments.yaml': deployments(1) }, env)
    for (const limit of [2_000, 3_000]) {
      writeFileSync(join(watching.dir, '.deployments.tmp'), deployments(limit))
      renameSync(join(watching.dir, '.deployments.tmp'), join(watching.dir, 'deployments.yaml'))
      await vi.waitFor(() => expect(limitOf(watching)).toBe(limit), wait)
    }
  })

  it('can be missing for a moment without a log line, and is reported if it stays missing', async () => {
    const watching = await createWatchingSimulator({ 'deployments.yaml': deployments(1_000) }, env)
    const file = join(watching.dir, 'deployments.yaml')
    unlinkSync(file)
    await new Promise((resolve) => setTimeout(resolve, 60))
    writeFileSync(file, deployments(2_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
    expect(watching.log.filter(({ level }) => level === 'error')).toEqual([])
    unlinkSync(file)
    await vi.waitFor(
      () => expect(watching.logged()).toMatch(/names a file that cannot be read: ENOENT/),
      wait,
    )
    expect(limitOf(watching)).toBe(2_000)
    writeFileSync(file, deployments(3_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(3_000), wait)
  })

  it('can be in a folder that is deleted and created again', async () => {
    const watching = await createWatchingSimulator(
      { 'config/deployments.yaml': deployments(1_000) },
      { OPENAI_DEPLOYMENT_CONFIG_PATH: 'config/deployments.yaml' },
    )
    for (const limit of [2_000, 3_000]) {
      rmSync(join(watching.dir, 'config'), { recursive: true })
      mkdirSync(join(watching.dir, 'config'))
      writeFileSync(join(watching.dir, 'config/deployments.yaml'), deployments(limit))
      await vi.waitFor(() => expect(limitOf(watching)).toBe(limit), wait)
    }
  })

  it.each(['true', 'poll'])('can be in a volume that Kubernetes swaps (WATCH=%s)', async (watch) => {
    const version = (dir: string, name: string, limit: number): void => {
      mkdirSync(join(dir, 'config', name), { recursive: true })
      writeFileSync(join(dir, 'config', name, 'deployments.yaml'), deployments(limit))
    }
    const watching = await createWatchingSimulator(
      {},
      { OPENAI_DEPLOYMENT_CONFIG_PATH: 'config/deployments.yaml', WATCH: watch },
      {
        prepare(dir) {
          version(dir, '..v1', 1_000)
          symlinkSync('..v1', join(dir, 'config/..data'))
          symlinkSync('..data/deployments.yaml', join(dir, 'config/deployments.yaml'))
        },
      },
    )
    for (const [at, limit] of [2_000, 3_000].entries()) {
      version(watching.dir, `..v${at + 2}`, limit)
      symlinkSync(`..v${at + 2}`, join(watching.dir, 'config/..data_tmp'))
      renameSync(join(watching.dir, 'config/..data_tmp'), join(watching.dir, 'config/..data'))
      rmSync(join(watching.dir, `config/..v${at + 1}`), { recursive: true })
      await vi.waitFor(() => expect(limitOf(watching)).toBe(limit), wait)
    }
  })

  it('is polled if there are no change notifications', async () => {
    const watching = await createWatchingSimulator(
      { 'deployments.yaml': deployments(1_000) },
      { ...env, WATCH: 'poll' },
    )
    writeFileSync(join(watching.dir, 'deployments.yaml'), deployments(2_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
  })
})

describe('other files that change with WATCH on', () => {
  it('apply from the next request: faults and models', async () => {
    const watching = await createWatchingSimulator(
      { 'faults.yaml': 'faults: []\n', 'models.yaml': 'gpt-4o: { aliases: [my-gpt] }\n' },
      { FAULTS_PATH: 'faults.yaml', MODEL_CATALOGUE_PATH: 'models.yaml' },
    )
    writeFileSync(
      join(watching.dir, 'faults.yaml'),
      'faults:\n  - { fault: overloaded503, probability: 1 }\n',
    )
    writeFileSync(join(watching.dir, 'models.yaml'), 'gpt-4o: { aliases: [your-gpt] }\n')
    await vi.waitFor(() => expect(watching.logged()).toContain('Reloaded faults.yaml, models.yaml.'), wait)
    expect(findModel('your-gpt', watching.simulator.config.defaultResource.models)).toBeDefined()
    const answer = await watching.ask(deploymentPath('any', 'chat/completions'), {
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(answer.status).toBe(503)
  })

  it('do not stop a running timetable: the one of the file starts at the next reset', async () => {
    const timetable = (name: string): string => `phases:\n  - name: ${name}\n`
    const watching = await createWatchingSimulator(
      { 'incidents.yaml': timetable('one') },
      { INCIDENTS_PATH: 'incidents.yaml' },
    )
    writeFileSync(join(watching.dir, 'incidents.yaml'), timetable('two'))
    await vi.waitFor(() => expect(watching.logged()).toContain('A running timetable continues'), wait)
    expect(watching.simulator.config.defaultResource.incidents?.phases[0]?.name).toBe('two')
    expect(watching.simulator.incidents.phaseOf('default')?.name).toBe('one')
    await watching.simulator.reset()
    expect(watching.simulator.incidents.phaseOf('default')?.name).toBe('two')
  })

  it('do not include .env', async () => {
    const watching = await createWatchingSimulator(
      { 'deployments.yaml': deployments(1_000), '.env': 'SIMULATOR_REGION=West Europe\n' },
      env,
    )
    writeFileSync(join(watching.dir, '.env'), 'SIMULATOR_REGION=Sweden Central\n')
    writeFileSync(join(watching.dir, 'deployments.yaml'), deployments(2_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
    expect(watching.simulator.config.defaultResource.region).toBe('West Europe')
  })
})

describe('without WATCH', () => {
  it('no file is loaded again', async () => {
    const watching = await createWatchingSimulator(
      { 'deployments.yaml': deployments(1_000) },
      { ...env, WATCH: 'no' },
    )
    writeFileSync(join(watching.dir, 'deployments.yaml'), deployments(2_000))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(limitOf(watching)).toBe(1_000)
  })
})

describe('a configuration file that changes with WATCH on', () => {
  const named = { SIMULATOR_CONFIG: 'aoai-sim.yaml' }
  const config = (tokensPerMinute: number, more = ''): string =>
    `deployments:\n  chat: { model: gpt-4o, tokens_per_minute: ${tokensPerMinute} }\n${more}`

  it('applies each changed section', async () => {
    const watching = await createWatchingSimulator({ 'aoai-sim.yaml': config(1_000) }, named)
    const { simulator } = watching
    const sections = `
settings: { region: Sweden Central, latency: { open_ai_embeddings: { mean: 7 } } }
upstreams: { default: { endpoint: "http://127.0.0.1:1", key: up } }
faults: [{ probability: 1, fault: serverError }]
incidents: { phases: [{ name: slow }] }
`
    writeFileSync(join(watching.dir, 'aoai-sim.yaml'), config(2_000, sections))
    await vi.waitFor(
      () =>
        expect(watching.logged()).toContain(
          'info: Reloaded aoai-sim.yaml. A running timetable continues; the new one starts at the next reset or start.',
        ),
      wait,
    )
    expect(limitOf(watching)).toBe(2_000)
    expect(simulator.config.defaultResource).toMatchObject({
      region: 'Sweden Central',
      latency: { embeddings: { meanMs: 7 } },
      upstream: { endpoint: 'http://127.0.0.1:1' },
      incidents: { phases: [{ name: 'slow' }] },
    })
    const chat = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }
    expect((await watching.ask(deploymentPath('chat', 'chat/completions'), chat)).status).toBe(500)
    writeFileSync(join(watching.dir, 'aoai-sim.yaml'), config(3_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(3_000), wait)
    expect(simulator.config.defaultResource).toMatchObject({
      region: 'East US 2',
      faults: [],
      upstream: undefined,
    })
    expect((await watching.ask(deploymentPath('chat', 'chat/completions'), chat)).status).toBe(200)
  })

  it('is reported if it is invalid and the old one stays in force, until it is fixed', async () => {
    const watching = await createWatchingSimulator({ 'aoai-sim.yaml': config(1_000) }, named)
    const file = join(watching.dir, 'aoai-sim.yaml')
    writeFileSync(file, config(-1, 'settings: { port: 70000, api_key: "two words" }\nwrong: 1\n'))
    await vi.waitFor(
      () =>
        expect(watching.logged()).toContain(
          'error: Could not reload aoai-sim.yaml: 1 problem. The previous configuration stays active.\n  aoai-sim.yaml: wrong is not a section.',
        ),
      wait,
    )
    writeFileSync(file, config(-1, 'settings: { port: 70000, region: "\\u0001" }\n'))
    await vi.waitFor(
      () => expect(watching.logged()).toContain('Could not reload aoai-sim.yaml: 3 problems.'),
      wait,
    )
    expect(watching.logged()).toContain('aoai-sim.yaml: deployments.chat.tokensPerMinute must be')
    expect(limitOf(watching)).toBe(1_000)
    writeFileSync(file, config(2_000))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
  })

  it('keeps changes by the admin API on top', async () => {
    const watching = await createWatchingSimulator({ 'aoai-sim.yaml': config(1_000) }, named)
    const { live } = watching.simulator
    await live.patch({ region: 'Patched', openai_deployments: { mine: { model: 'gpt-4o' } } })
    const file = join(watching.dir, 'aoai-sim.yaml')
    writeFileSync(file, config(2_000, 'settings: { region: File, tool_call_probability: 1 }\n'))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
    expect(live.current.defaultResource).toMatchObject({ region: 'Patched', toolCallProbability: 1 })
    expect([...live.current.defaultResource.deployments.keys()].toSorted()).toEqual(['chat', 'mine'])
  })

  it('keeps the old value of settings that need a restart, and reports them', async () => {
    const watching = await createWatchingSimulator(
      { 'aoai-sim.yaml': config(1_000, 'settings: { journal_size: 5 }\n') },
      named,
    )
    const file = join(watching.dir, 'aoai-sim.yaml')
    writeFileSync(file, config(2_000, 'settings: { port: 9000, log_level: debug }\n'))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2_000), wait)
    for (const name of ['port', 'log_level', 'journal_size'])
      expect(watching.logged()).toContain(
        `warn: aoai-sim.yaml: settings.${name} was changed and takes effect at the next start.`,
      )
    expect(watching.simulator.config).toMatchObject({ port: 8_000, logLevel: 'info', journalSize: 5 })
  })

  it('adds, changes and removes resources, and keeps their changes at run time', async () => {
    const resource = (limit: number): string =>
      `{ keys: [a-key], deployments: { c: { model: gpt-4o, tokens_per_minute: ${limit} } } }`
    const watching = await createWatchingSimulator(
      { 'aoai-sim.yaml': `resources:\n  acme: ${resource(1)}\n  old: {}\n` },
      named,
    )
    const { live } = watching.simulator
    const limitIn = (name: string): unknown =>
      live.current.resources.get(name)?.deployments.get('c')?.tokensPerMinute
    const { apiKey } = live.current.resources.get('acme') ?? {}
    expect([limitIn('acme'), [...live.current.resources.keys()]]).toEqual([1, ['default', 'acme', 'old']])
    await live.patch({ region: 'Patched' }, 'acme')
    writeFileSync(
      join(watching.dir, 'aoai-sim.yaml'),
      `resources:\n  acme: ${resource(2)}\n  new: ${resource(3)}\n`,
    )
    await vi.waitFor(() => expect(limitIn('new')).toBe(3), wait)
    expect([...live.current.resources.keys()].toSorted()).toEqual(['acme', 'default', 'new'])
    expect(limitIn('acme')).toBe(2)
    expect(live.current.resources.get('acme')).toMatchObject({ region: 'Patched', apiKey })
  })

  it('can name other files, which are watched from then on', async () => {
    const naming = (path: string): string => `settings: { openai_deployment_config_path: ${path} }\n`
    const watching = await createWatchingSimulator(
      { 'aoai-sim.yaml': naming('one.yaml'), 'one.yaml': deployments(1), 'two.yaml': deployments(2) },
      named,
    )
    expect(limitOf(watching)).toBe(1)
    writeFileSync(join(watching.dir, 'aoai-sim.yaml'), naming('two.yaml'))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(2), wait)
    for (const limit of [3, 4]) {
      writeFileSync(join(watching.dir, 'two.yaml'), deployments(limit))
      await vi.waitFor(() => expect(limitOf(watching)).toBe(limit), wait)
    }
    writeFileSync(join(watching.dir, 'aoai-sim.yaml'), config(5))
    await vi.waitFor(() => expect(limitOf(watching)).toBe(5), wait)
  })
})
