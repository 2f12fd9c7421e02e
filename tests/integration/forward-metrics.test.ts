import { describe, expect, it } from 'vitest'
import { MAX_UNKNOWN_DEPLOYMENTS } from '../../src/metrics/series-table.ts'
import { chatCompletion, chatEvents, eventStream, json } from '../support/fake-upstream.ts'
import { messageEnd, messageStart } from '../support/message-parts.ts'
import { recordingPlace, upstreamKey } from '../support/recording-simulator.ts'
import { createTestSimulator, deploymentPath, testKey } from '../support/test-simulator.ts'

const place = recordingPlace(json(chatCompletion('Hi')))

const start = (mode: string) =>
  createTestSimulator({
    env: {
      SIMULATOR_MODE: mode,
      AZURE_OPENAI_ENDPOINT: place.upstream.url,
      AZURE_OPENAI_KEY: upstreamKey,
      RECORDING_DIR: place.dir,
      UPSTREAM_RETRIES: '0',
    },
    deployments: { known: { model: 'gpt-4o' }, claude: { model: 'claude-sonnet-4-5' } },
  })

type Started = ReturnType<typeof start>

/** The lines of a metric, without its name. */
const linesOf = async ({ simulator }: Started, name: string): Promise<string[]> =>
  (await simulator.metrics.render())
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length))

const chat = { messages: [{ role: 'user', content: 'Hello' }] }
const chatOf = (name: string): string => deploymentPath(name, 'chat/completions')
const usageEvent =
  'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}\n\n'
const labels = (name: string): string => `deployment="${name}",operation="chatCompletions"`

describe.each(['record', 'forward'])('metrics of requests that %s mode answers', (mode) => {
  it('count the first token and the usage of a stream', async () => {
    place.upstream.answer = eventStream([...chatEvents(['a']).slice(0, -1), usageEvent, 'data: [DONE]\n\n'])
    const started = start(mode)
    await (await started.post(chatOf('known'), { ...chat, stream: true })).text()
    expect(await linesOf(started, 'aoai_time_to_first_token_seconds_count')).toEqual([
      `{${labels('known')},status="200"} 1`,
    ])
    expect(await linesOf(started, 'aoai_tokens_total')).toEqual(
      expect.arrayContaining([
        `{${labels('known')},type="prompt"} 9`,
        `{${labels('known')},type="completion"} 4`,
      ]),
    )
  })

  it('count the tokens of a prompt of Anthropic Messages, which are in the first event of a stream', async () => {
    const usage = { input_tokens: 7, cache_read_input_tokens: 30, output_tokens: 1 }
    const stream = messageStart(usage) + messageEnd({ stop_reason: 'end_turn' }, { output_tokens: 4 })
    place.upstream.answer = eventStream(stream.split(/(?<=\n\n)/))
    const started = start(mode)
    const body = { ...chat, model: 'claude', max_tokens: 9, stream: true }
    await (await started.post('/anthropic/v1/messages', body)).text()
    const named = 'deployment="claude",operation="messages"'
    expect(await linesOf(started, 'aoai_tokens_total')).toEqual(
      expect.arrayContaining([
        `{${named},type="prompt"} 37`,
        `{${named},type="cached"} 30`,
        `{${named},type="completion"} 4`,
      ]),
    )
  })

  it('count no first token for a whole answer, or for a stream with the status of an error', async () => {
    const started = start(mode)
    await (await started.post(chatOf('known'), chat)).text()
    place.upstream.answer = (_, response) => {
      response.writeHead(429, { 'content-type': 'text/event-stream' })
      response.end('data: {"error":{}}\n\n')
    }
    await (await started.post(chatOf('known'), { ...chat, stream: true })).text()
    expect(await linesOf(started, 'aoai_time_to_first_token_seconds_count')).toEqual([])
  })

  it('have the name of a deployment that is not configured, in the path or in the body', async () => {
    const started = start(mode)
    await started.post(chatOf('in-path'), chat)
    await started.post('/openai/v1/chat/completions', { ...chat, model: 'in-body' })
    await started.post('/openai/v1/chat/completions', chat)
    expect(await linesOf(started, 'aoai_requests_total')).toEqual(
      ['in-path', 'in-body', ''].map((name) => `{${labels(name)},status="200"} 1`),
    )
  })

  it('have the first 100 such names, then other, and none without a valid key', async () => {
    const started = start(mode)
    for (let i = 0; i < MAX_UNKNOWN_DEPLOYMENTS + 2; i++) {
      await started.post(chatOf(`refused-${i}`), chat, { 'api-key': 'wrong' })
      await started.post(chatOf(`made-${i}`), chat)
    }
    const lines = await linesOf(started, 'aoai_requests_total')
    expect(lines.filter((line) => line.includes('made-'))).toHaveLength(MAX_UNKNOWN_DEPLOYMENTS)
    expect(lines).toContain(`{${labels('other')},status="200"} 2`)
    expect(lines).toContain(`{${labels('')},status="401"} ${MAX_UNKNOWN_DEPLOYMENTS + 2}`)
  })

  it('have no active requests after failures and disconnects', async () => {
    const started = start(mode)
    place.upstream.answer = (_, response) => void response.destroy()
    expect((await started.post(chatOf('known'), chat)).status).toBe(502)

    let close = (): void => {}
    place.upstream.answer = (_, response) => {
      close = () => response.destroy()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(chatEvents(['a'])[0])
    }
    const leaving = new AbortController()
    const left = await started.app.request(chatOf('known'), {
      method: 'POST',
      headers: { 'api-key': testKey, 'content-type': 'application/json' },
      body: JSON.stringify({ ...chat, stream: true }),
      signal: leaving.signal,
    })
    const reader = left.body!.getReader()
    await reader.read()
    expect(await linesOf(started, 'aoai_active_requests')).toEqual([`{${labels('known')}} 1`])
    expect(await linesOf(started, 'aoai_requests_in_flight')).toEqual([' 1'])
    leaving.abort()
    await reader.cancel()

    const broken = await started.post(chatOf('known'), { ...chat, stream: true })
    const text = broken.text().catch(() => '')
    close()
    await text
    await expect
      .poll(async () => [
        await linesOf(started, 'aoai_active_requests'),
        await linesOf(started, 'aoai_requests_in_flight'),
      ])
      .toEqual([[`{${labels('known')}} 0`], [' 0']])
    expect(await linesOf(started, 'aoai_requests_total')).toEqual(
      expect.arrayContaining([`{${labels('known')},status="502"} 2`]),
    )
  })
})
