// Writes recordings/: generated answers in the format of record mode. Run: npx tsx scripts/make-sample-recordings.ts
import { mkdirSync, writeFileSync } from 'node:fs'
import { assembleSimulator } from '../src/server/simulator.ts'
import { loadLiveConfig } from '../src/config/live-config.ts'
import { Exchange } from '../src/pipeline/exchange.ts'
import type { Reply } from '../src/pipeline/reply.ts'
import { createVirtualClock } from '../src/lib/virtual-clock.ts'
import { bodyHash } from '../src/recordings/match-request.ts'
import type { Interaction, RecordedBody } from '../src/recordings/interaction.ts'
import { recordFileName } from '../src/recordings/record-file-name.ts'
import { recordingFileHeader, serializeInteraction } from '../src/recordings/yaml-format.ts'

const host = 'https://sample.openai.azure.com'
const query = 'api-version=2024-10-21'
const folder = new URL('../recordings/', import.meta.url)
const hello = [{ role: 'user', content: 'Hello' }]

/** The requests of the README, the start page and the guides, followed by one of each kind. */
const requests: readonly (readonly [path: string, query: string, body: object])[] = [
  ['/openai/deployments/gpt-4o-mini/chat/completions', query, { messages: hello, max_tokens: 10 }],
  ['/openai/deployments/gpt-4o/chat/completions', query, { messages: hello, max_tokens: 20 }],
  [
    '/openai/deployments/gpt-4o-mini/chat/completions',
    query,
    { messages: hello, max_tokens: 10, stream: true, stream_options: { include_usage: true } },
  ],
  [
    '/openai/deployments/gpt-4o-mini/chat/completions',
    query,
    {
      messages: [{ role: 'user', content: 'What is the weather in Paris?' }],
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
          },
        },
      ],
      tool_choice: 'required',
    },
  ],
  ['/openai/v1/chat/completions', '', { model: 'gpt-4o-mini', messages: hello, max_tokens: 2, stream: true }],
  ['/openai/deployments/embedding/embeddings', query, { input: 'Hello' }],
  ['/openai/v1/responses', '', { model: 'gpt-4o-mini', input: 'Hello', max_output_tokens: 16 }],
]

const live = loadLiveConfig({
  flags: {},
  env: { SIMULATOR_API_KEY: 'sample', SIMULATOR_SEED: 'sample recordings', LATENCY_PROFILE: 'auto' },
  workingDirectory: '/',
  readFile: (path) => {
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
  },
})
const quiet = (): void => undefined
const clock = createVirtualClock()
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const simulator = assembleSimulator(live, { clock, logger })

const files = new Map<string, string>()
for (const [path, requestQuery, body] of requests) {
  const name = `${recordFileName(path)}.yaml`
  const interaction = await record(path, requestQuery, Buffer.from(JSON.stringify(body)))
  files.set(name, (files.get(name) ?? recordingFileHeader) + serializeInteraction(interaction))
}
mkdirSync(folder, { recursive: true })
for (const [name, text] of files) writeFileSync(new URL(encodeURIComponent(name), folder), text)

async function record(path: string, requestQuery: string, body: Buffer): Promise<Interaction> {
  const headers = { 'content-type': 'application/json', accept: '*/*' }
  const exchange = new Exchange(
    { method: 'POST', path, query: requestQuery, headers: { ...headers, 'api-key': 'sample' }, body },
    { config: live.current, clock, random: simulator.random.fork(), startedMs: clock.nowMs() },
  )
  const reply = await simulator.run(exchange)
  if (reply.status !== 200) throw new Error(`Could not record ${path}: status ${reply.status}.`)
  const recorded = render(reply)
  return {
    request: {
      method: 'POST',
      uri: `${host}${path}${requestQuery === '' ? '' : `?${requestQuery}`}`,
      headers: Object.entries(headers),
      body,
      bodyHash: bodyHash(body, headers['content-type']),
    },
    response: {
      status: { code: reply.status, message: 'OK' },
      headers: [...reply.headers].filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name)),
      body: recorded,
      durationMs: reply.schedule?.endMs,
    },
    contextValues: { recorded_at: new Date(clock.epochMs()).toISOString() },
  }
}

function render({ body, schedule }: Reply): RecordedBody {
  if (body.kind === 'whole') return { kind: 'bytes', bytes: Buffer.from(body.render()) }
  if (body.kind === 'live') throw new Error('Generate mode has no live bodies.')
  const dueMs = (step: number): number => schedule?.stepsMs[step] ?? schedule?.endMs ?? 0
  return {
    kind: 'events',
    events: Array.from({ length: body.count }, (_, index) => index).flatMap((index) => {
      const atMs = dueMs(body.stepOf(index))
      // A rendered part can contain several events.
      return body
        .render(index)
        .split(/(?<=\n\n)/)
        .map((text) => ({ atMs, text }))
    }),
  }
}
