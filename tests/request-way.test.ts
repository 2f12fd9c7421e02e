import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { handlers, observers, stages } from '../scripts/request-stages.ts'
import { type SourceName, sourceNames } from '../src/config/source-names.ts'
import { loadLiveConfig } from '../src/config/live-config.ts'
import { stageNames, type Stage, type Source } from '../src/pipeline/stage.ts'
import { jsonReply } from '../src/pipeline/make-reply.ts'
import { createAccess } from '../src/access/access.ts'
import { createPipeline } from '../src/pipeline/pipeline.ts'
import { everySource } from './support/every-source.ts'
import { testExchange } from './support/test-exchange.ts'

const deployments = {
  chat: { model: 'gpt-4o' },
  reasons: { model: 'o3-mini' },
  asks: { model: 'gpt-4o', tokensPerMinute: 1_000, latency: { firstToken: 10 } },
}

function configOf(mode: SourceName): ReturnType<typeof loadLiveConfig>['current'] {
  const env = {
    SIMULATOR_API_KEY: 'key',
    SIMULATOR_MODE: mode,
    AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9',
    AZURE_OPENAI_KEY: 'other-key',
    OPENAI_DEPLOYMENT_CONFIG_PATH: 'deployments.json',
    ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false',
  }
  const readFile = (): string => JSON.stringify(deployments)
  return loadLiveConfig({ flags: {}, env, workingDirectory: '/', readFile }).current
}

const configs = Object.fromEntries(sourceNames.map((name) => [name, configOf(name)])) as Readonly<
  Record<SourceName, ReturnType<typeof configOf>>
>

/** What a stage of the pipeline itself refuses: how to send that. */
const wrong = {
  'api-version': { version: '1999-01-01' },
  key: { key: 'wrong' },
  deployment: { deployment: 'nowhere' },
  'model-version': { version: '2024-02-01', deployment: 'reasons' },
}
type Refusing = keyof typeof wrong

interface Sent {
  /** The stages that others bring in, in the order in which they were asked. */
  readonly asked: readonly string[]
  readonly status: number
  /** All stages that the trace of the request lists, those of the pipeline itself included, and the source. */
  readonly met: readonly string[]
}

async function send(mode: SourceName, ...mistakes: readonly Refusing[]): Promise<Sent> {
  return sendTo('chat', mode, ...mistakes)
}

async function sendTo(to: string, mode: SourceName, ...mistakes: readonly Refusing[]): Promise<Sent> {
  const asked: string[] = []
  const note =
    (name: string): Stage =>
    (_, next) => {
      asked.push(name)
      return next()
    }
  const answer =
    (name: string): Source =>
    () => {
      asked.push(name)
      return Promise.resolve(jsonReply({}))
    }
  const run = createPipeline(
    {
      observe: note('metrics'),
      journal: note('journal'),
      telemetry: note('telemetry'),
      requestLog: note('request-log'),
      access: createAccess({}),
      extensionHooks: [{ name: 'extension', stage: note('extension') }],
      prepareFaults: note('incidents'),
      admit: note('limits'),
      injectFaults: note('faults'),
      addLatency: note('latency'),
      sources: everySource(answer),
    },
    { onFailure: (error) => asked.push(String(error)), onUnknownPath: ({ path }) => asked.push(path) },
  )
  const { version, key, deployment } = {
    version: '2024-10-21',
    key: 'key',
    deployment: to,
    ...Object.assign({}, ...mistakes.toReversed().map((mistake) => wrong[mistake])),
  } as { version: string; key: string; deployment: string }
  const exchange = testExchange(
    {
      path: `/openai/deployments/${deployment}/chat/completions`,
      query: `api-version=${version}`,
      headers: { 'api-key': key, 'x-sim-trace': 'on' },
      body: '{"messages":[]}',
    },
    { config: configs[mode] },
  )
  const { status, headers } = await run(exchange)
  const timing = headers.get('server-timing') ?? ''
  const met = [...timing.matchAll(/([\w-]+);/g)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'total')
  return { asked, status, met }
}

const way = [...observers, ...stages]
const names = way.map(({ name }) => name)
/** The stages that the pipeline brings itself. */
const isOwn = (name: string): boolean => name in wrong || name === 'service-headers'
const refusing = names.filter((name): name is Refusing => name in wrong)

function read(file: string): string {
  const url = new URL(`../src/${file}`, import.meta.url)
  return existsSync(url) ? readFileSync(url, 'utf8') : ''
}

describe('docs/architecture.md', () => {
  it('lists every stage by its name, in order (npx tsx scripts/draw-diagrams.ts writes the list)', () => {
    const page = readFileSync(new URL('../docs/architecture.md', import.meta.url), 'utf8')
    const table = /<!-- stages:[^]*<!-- end of stages -->/.exec(page)?.[0] ?? ''
    const documented = [...table.matchAll(/^\| `([\w-]+)` .* `(src\/[\w/.-]+)` +\|$/gm)]
    expect(documented.map(([, name, file]) => [name, file])).toEqual(
      way.map(({ name, file }) => [name, `src/${file}`]),
    )
  })
})

describe('docs/images/request-pipeline.svg', () => {
  it('draws every stage by its name, in order', () => {
    expect(names).toEqual(stageNames)
  })

  it('draws every source', () => {
    expect(new Set(handlers.map(({ name }) => name))).toEqual(new Set(sourceNames))
  })

  it.each([...way, ...handlers])('draws $name, which is in src/$file', ({ file, code }) => {
    expect(read(file)).toMatch(new RegExp(`\\b${code}\\b`))
  })

  it.each(handlers.map(({ name }) => name))(
    'draws the stages in the order in which a request meets them on its way to the source %s',
    async (source) => {
      const always = way.filter(({ sources }) => sources.includes(source))
      const asking = way.filter(({ sources, ifConfigured }) =>
        [...sources, ...(ifConfigured ?? [])].includes(source),
      )
      // With forwarding, a deployment that is not configured needs no stages.
      const plain = await sendTo(always.length < asking.length ? 'elsewhere' : 'chat', source)
      const asked = await sendTo('asks', source)
      for (const [drawn, sent] of [
        [always, plain],
        [asking, asked],
      ] as const) {
        const names = drawn.map(({ name }) => name)
        expect(sent).toEqual({
          asked: [...names.filter((name) => !isOwn(name)), source],
          met: [...names, source],
          status: 200,
        })
      }
    },
  )

  it.each(refusing)('lets a request leave at %s with the status that it tells', async (name) => {
    const { asked, status } = await send('generate', name)
    const before = names.slice(0, names.indexOf(name))
    expect(asked).toEqual(before.filter((earlier) => !isOwn(earlier)))
    expect(stages.find((stage) => stage.name === name)?.canEndWith?.status.split(' ')).toContain(
      String(status),
    )
  })

  it.each(['replay', 'record', 'forward'] as const)(
    'tells which of them let everything pass in %s mode',
    async (mode) => {
      const refused: string[] = []
      for (const name of refusing) {
        if ((await send(mode, name)).status !== 200) refused.push(name)
      }
      // A recording may answer what no deployment does: there the stage finds one, and refuses nothing.
      const drawn = stages.filter(({ sources, name }) => sources.includes(mode) && name in wrong)
      expect(refused).toEqual(drawn.map(({ name }) => name).filter((name) => name !== 'deployment'))
    },
  )

  it('lets the first of two stages answer a request that both refuse', async () => {
    for (const [index, first] of refusing.entries()) {
      for (const second of refusing.slice(index + 1)) {
        const sent = await send('generate', first, second)
        expect({ first, second, ...sent }).toEqual({
          first,
          second,
          ...(await send('generate', first)),
        })
      }
    }
  })
})
