/**
 * Takes the pictures of the control room in docs/images/: each view, light and dark. It starts the built program with three invented
 * resources, and sends invented traffic with rate-limited requests, an incident, a queue, recordings without a match, and clients that
 * retry too early. Takes about two minutes and needs Chromium (`CHROMIUM`, or `chromium` in PATH).
 *
 *     npm run build && npx tsx scripts/take-screenshots.ts            # writes docs/images/control-room-*.png
 *     npx tsx scripts/take-screenshots.ts --out /tmp/shots --warm-up 20
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { createRandom } from '../src/lib/random.ts'
import { encodePalettePng } from './palette-png.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'docs/images') },
    /** Seconds of traffic before the first picture, so that the charts have lines. */
    'warm-up': { type: 'string', default: '75' },
    port: { type: 'string', default: '8719' },
  },
})

const key = 'key-of-the-screenshots'
const url = `http://127.0.0.1:${options.port}`
const random = createRandom('screenshots')

const configuration = {
  settings: { region: 'East US 2', latency: { profile: 'auto', time_scale: 1 } },
  deployments: {
    'gpt-4o': { model: 'gpt-4o', tokens_per_minute: 60_000 },
    'gpt-4o-mini': { model: 'gpt-4o-mini', tokens_per_minute: 20_000 },
    'gpt-4o-ptu': {
      model: 'gpt-4o',
      provisioned_throughput_units: 50,
      spillover_to: 'gpt-4o',
    },
    'gpt-5-mini': {
      model: 'gpt-5-mini',
      tokens_per_minute: 200_000,
      latency: { concurrency: { slots: 6, queue_length: 50 } },
    },
    'text-embedding-3-small': { model: 'text-embedding-3-small', tokens_per_minute: 350_000 },
  },
  resources: {
    'sweden-central': {
      region: 'Sweden Central',
      keys: [{ key: `${key}-sweden`, label: 'load test' }],
      deployments: {
        'gpt-4o': { model: 'gpt-4o', tokens_per_minute: 150_000 },
        'gpt-4.1-mini': { model: 'gpt-4.1-mini', tokens_per_minute: 80_000 },
      },
      incidents: {
        repeat: true,
        phases: [
          { name: 'normal', seconds: 35 },
          { name: 'slow-first-token', seconds: 40, latency: { first_token_factor: 4 } },
          { name: 'errors', seconds: 40, faults: [{ probability: 0.35, fault: 'serverError' }] },
          { name: 'recovery', seconds: 60, limits: { factor: 0.5 } },
        ],
      },
    },
    ci: {
      region: 'East US 2',
      keys: [{ key: `${key}-ci`, label: 'pull requests' }],
      simulator_mode: 'replay',
      recording_dir: join(root, 'recordings'),
      deployments: { 'gpt-4o': { model: 'gpt-4o' }, 'gpt-4o-mini': { model: 'gpt-4o-mini' } },
    },
  },
}

/** A kind of request that is sent again and again. */
interface Traffic {
  readonly resource?: string
  readonly deployment: string
  readonly perSecond: number
  readonly operation?: 'chat' | 'embeddings'
  readonly stream?: boolean
  readonly promptWords?: number
  readonly maxTokens?: number
  readonly client: string
  /** Sends a refused request again before its retry-after. */
  readonly isImpatient?: boolean
  /** The exact body, for replay. */
  readonly body?: object
}

const hello = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }
const traffic: readonly Traffic[] = [
  {
    deployment: 'gpt-4o',
    perSecond: 2,
    stream: true,
    promptWords: 120,
    maxTokens: 160,
    client: 'chat-frontend',
  },
  { deployment: 'gpt-4o', perSecond: 0.8, promptWords: 60, maxTokens: 60, client: 'summaries' },
  {
    deployment: 'gpt-4o-mini',
    perSecond: 3,
    stream: true,
    promptWords: 60,
    maxTokens: 80,
    client: 'search-rewrite',
    isImpatient: true,
  },
  {
    deployment: 'gpt-4o-ptu',
    perSecond: 1.6,
    stream: true,
    promptWords: 400,
    maxTokens: 120,
    client: 'agents',
  },
  {
    deployment: 'gpt-5-mini',
    perSecond: 1.1,
    stream: true,
    promptWords: 80,
    maxTokens: 400,
    client: 'agents',
  },
  {
    deployment: 'text-embedding-3-small',
    perSecond: 3,
    operation: 'embeddings',
    promptWords: 200,
    client: 'indexer',
  },
  {
    resource: 'sweden-central',
    deployment: 'gpt-4o',
    perSecond: 2,
    stream: true,
    promptWords: 100,
    maxTokens: 120,
    client: 'chat-frontend',
  },
  {
    resource: 'sweden-central',
    deployment: 'gpt-4.1-mini',
    perSecond: 1.2,
    promptWords: 80,
    maxTokens: 60,
    client: 'summaries',
  },
  { resource: 'ci', deployment: 'gpt-4o-mini', perSecond: 0.7, body: hello, client: 'ci-run' },
  {
    resource: 'ci',
    deployment: 'gpt-4o',
    perSecond: 0.1,
    body: { ...hello, temperature: 0.2 },
    client: 'ci-run',
  },
]

const words =
  'time limits stream tokens latency answer request region model retry queue load test cache agent'.split(' ')

function text(count: number): string {
  return Array.from({ length: count }, () => words[Math.floor(random.unit() * words.length)]).join(' ')
}

/** A request of a kind. */
function createRequest(kind: Traffic): { readonly address: string; readonly init: RequestInit } {
  const {
    resource,
    deployment,
    operation = 'chat',
    stream = false,
    promptWords = 20,
    maxTokens,
    client,
  } = kind
  const path = operation === 'chat' ? 'chat/completions' : 'embeddings'
  const made =
    operation === 'embeddings'
      ? { input: text(promptWords) }
      : { messages: [{ role: 'user', content: text(promptWords) }], max_completion_tokens: maxTokens, stream }
  const prefix = resource === undefined ? '' : `/${resource}`
  const suffix = resource === 'sweden-central' ? '-sweden' : resource === 'ci' ? '-ci' : ''
  return {
    address: `${url}${prefix}/openai/deployments/${deployment}/${path}?api-version=2024-10-21`,
    init: {
      method: 'POST',
      headers: { 'api-key': key + suffix, 'content-type': 'application/json', 'user-agent': `${client}/1.4` },
      body: JSON.stringify(kind.body ?? made),
    },
  }
}

/** Sends a request, and again if its client retries. Failures are part of the picture. */
async function sendOne(kind: Traffic, signal: AbortSignal): Promise<void> {
  const { address, init } = createRequest(kind)
  for (let attempt = 0; attempt < 3; attempt++) {
    const response = await fetch(address, { ...init, signal })
    await response.arrayBuffer()
    if (response.status !== 429) return
    const askedSeconds = Number(response.headers.get('retry-after') ?? 1)
    // Half of the impatient client's retries are too early.
    const share = kind.isImpatient === true ? 0.1 + 1.4 * random.unit() : 1.05 + random.unit() / 2
    await sleep(askedSeconds * share * 1_000, undefined, { signal })
  }
}

/** Sends requests of a kind at random times, at a rate that swings slowly. */
async function send(kind: Traffic, signal: AbortSignal): Promise<void> {
  const startedMs = Date.now()
  while (!signal.aborted) {
    const swing = 1 + 0.45 * Math.sin((Date.now() - startedMs) / 11_000)
    await sleep((-Math.log(1 - random.unit()) * 1_000) / (kind.perSecond * swing))
    sendOne(kind, signal).catch(() => undefined)
  }
}

/** Waits until the simulator keeps up, at most a minute: on a busy machine it is the bottleneck. */
async function waitUntilQuiet(): Promise<void> {
  for (let second = 0; second < 60; second++) {
    const { simulator: state } = (await ask('/++/stats')) as {
      readonly simulator?: { readonly keeps_up: boolean }
    }
    if (state?.keeps_up !== false) return
    await sleep(1_000)
  }
  console.log(
    'The simulator is the bottleneck: stop other programs, or take the pictures on another machine.',
  )
}

interface Picture {
  readonly name: string
  readonly fragment: string
  /** Clicks and waits before the picture. */
  readonly prepare?: (page: Page) => Promise<void>
}

const pictures: readonly Picture[] = [
  { name: 'overview', fragment: '#/' },
  { name: 'deployment', fragment: '#/deployments/default/gpt-4o-mini' },
  { name: 'requests', fragment: '#/requests' },
  {
    name: 'request',
    fragment: '#/requests?deployment=gpt-4o&status=200',
    async prepare(page) {
      const { traces } = (await ask('/++/traces?deployment=gpt-4o&status=200&resource=default&limit=50')) as {
        traces: readonly { id: number; streamed: boolean; open: boolean }[]
      }
      const shown = traces.find(({ streamed, open }) => streamed && !open) ?? traces[0]
      if (shown) await page.evaluate(`location.hash = '#/requests/${shown.id}'`)
    },
  },
  { name: 'steer', fragment: '#/steer/deployments/default/gpt-4o-mini' },
  { name: 'recordings', fragment: '#/recordings' },
  { name: 'retries', fragment: '#/retries' },
  { name: 'logs', fragment: '#/logs' },
]

async function ask(path: string): Promise<unknown> {
  const response = await fetch(url + path, { headers: { 'api-key': key } })
  if (!response.ok) throw new Error(`Could not read ${path}: the status is ${response.status}.`)
  return response.json()
}

async function waitForStart(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await fetch(`${url}/healthz`).catch(() => undefined))?.ok) return
    await sleep(100)
  }
  throw new Error('Could not start the simulator in 10 seconds. Run npm run build.')
}

const folder = mkdtempSync(join(tmpdir(), 'aoai-screenshots-'))
writeFileSync(join(folder, 'aoai-sim.yaml'), JSON.stringify(configuration))
const simulator = spawn(process.execPath, [join(root, 'dist/cli/main.js'), '--port', options.port], {
  cwd: folder,
  stdio: 'ignore',
  env: {
    PATH: process.env['PATH'],
    SIMULATOR_CONFIG: join(folder, 'aoai-sim.yaml'),
    SIMULATOR_API_KEY: key,
    SIMULATOR_SEED: '7',
    JOURNAL_SIZE: '5000',
    LOG_REQUESTS: 'true',
    LOG_LEVEL: 'error',
  },
})
try {
  // Other programs must not make it the bottleneck. Only root on Linux can do this.
  execFileSync('chrt', ['--fifo', '--pid', '1', String(simulator.pid)], { stdio: 'ignore' })
} catch {
  console.log('The simulator runs with normal priority: a busy machine shows in the pictures.')
}
const stopped = new AbortController()
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'],
})
try {
  await waitForStart()
  const context = await browser.newContext({
    viewport: { width: 1280, height: 860 },
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  page.on('pageerror', (error) => console.error(`Error of the page: ${error.message}`))
  await page.addInitScript({
    content: `sessionStorage.setItem('aoai-sim-admin-key', ${JSON.stringify(key)})`,
  })
  await page.goto(`${url}/++/`)
  for (const kind of traffic) void send(kind, stopped.signal)
  await sleep(Number(options['warm-up']) * 1_000)
  await waitUntilQuiet()
  mkdirSync(options.out, { recursive: true })
  for (const { name, fragment, prepare } of pictures) {
    await page.emulateMedia({ colorScheme: 'light' })
    await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`)
    await prepare?.(page)
    await page.evaluate('scrollTo(0, 0)')
    await sleep(1_500)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await sleep(400)
      const file = join(options.out, `control-room-${name}${colorScheme === 'dark' ? '-dark' : ''}.png`)
      const bytes = encodePalettePng(await page.screenshot())
      writeFileSync(file, bytes)
      console.log(`${file}: ${Math.round(bytes.length / 1024)} KB`)
    }
  }
} finally {
  stopped.abort()
  await browser.close()
  simulator.kill()
  rmSync(folder, { recursive: true })
}
