import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { totalTokens } from '../../src/answer/completion.ts'
import { fold } from '../../src/answer/fold.ts'
import type { AnswerEvent } from '../../src/answer/answer-events.ts'
import { createRandom, type Random } from '../../src/lib/random.ts'
import { listen } from '../../src/server/listen.ts'
import { answerForms } from '../../src/wire/answer-forms.ts'
import { apiForms, type ApiForm } from '../../src/wire/conversion.ts'
import { framesOf } from '../support/answer-sight.ts'
import { recordedAnswers, type RecordedAnswer } from '../support/answer-sources.ts'
import { type FakeUpstream, startFakeUpstream } from '../support/fake-upstream.ts'
import { needOf } from '../support/installed-tool.ts'
import { createTestSimulator, testKey, type TestSimulator } from '../support/test-simulator.ts'

// A client asks the first gateway, which asks the second with another API, which asks the service that the answer was recorded from
// with the first API again. So each answer is converted there and back.

const formOf = ({ kind }: RecordedAnswer): ApiForm => kind.replace('-stream', '') as ApiForm
const isStream = ({ kind }: RecordedAnswer): boolean => kind.endsWith('-stream')

let service: FakeUpstream
let second: { readonly url: string; close(graceMs: number): Promise<unknown> }
let first: TestSimulator

/** Deployments that ask their upstream with each API, under the names of the APIs. */
function startGateway(url: string): TestSimulator {
  const pairs = apiForms.flatMap((to) =>
    apiForms.map((back) => [`${to}-${back}`, { upstream: `default/${back}`, form: to }] as const),
  )
  const single = apiForms.map((form) => [form, { upstream: 'default/recorded', form }] as const)
  return createTestSimulator({
    deployments: Object.fromEntries([...pairs, ...single]),
    env: { AZURE_OPENAI_ENDPOINT: url, AZURE_OPENAI_KEY: testKey },
  })
}

beforeAll(async () => {
  service = await startFakeUpstream()
  second = await listen(startGateway(service.url).app, '127.0.0.1', 0)
  first = startGateway(second.url)
})
afterAll(async () => {
  await second.close(0)
  await service.close()
})

const paths: Readonly<Record<ApiForm, string>> = {
  chat: '/openai/v1/chat/completions',
  responses: '/openai/v1/responses',
  messages: '/anthropic/v1/messages',
}

function requestFor(form: ApiForm, model: string, stream: boolean): object {
  const messages = [{ role: 'user', content: 'Hi' }]
  if (form === 'responses') return { model, stream, input: 'Hi', max_output_tokens: 100 }
  if (form === 'messages') return { model, stream, messages, max_tokens: 100 }
  return {
    model,
    stream,
    messages,
    max_completion_tokens: 100,
    ...(stream && { stream_options: { include_usage: true } }),
  }
}

/** Sends an answer of the service in pieces that do not respect events, lines or characters. */
function answerInPieces({ text }: RecordedAnswer, streams: boolean, random: Random): FakeUpstream['answer'] {
  return async (_, response) => {
    response.writeHead(200, { 'content-type': streams ? 'text/event-stream' : 'application/json' })
    const bytes = Buffer.from(streams && random.unit() < 0.5 ? text.replaceAll(/\r?\n/g, '\r\n') : text)
    const size = [1, 7, 100, bytes.length][random.below(4)] ?? 1
    for (let at = 0; at < bytes.length; at += size) {
      // Many writes of one byte are slow, so only some are separate packets.
      if (!response.write(bytes.subarray(at, at + size)) || random.unit() < 0.01)
        await new Promise(setImmediate)
    }
    response.end()
  }
}

function eventsIn(form: ApiForm, streams: boolean, text: string): readonly AnswerEvent[] {
  if (!streams) return answerForms[form].read(text)
  const reader = answerForms[form].createReader()
  return [...framesOf(text).flatMap((frame) => reader.push(frame)), ...reader.end()]
}

/** Arguments are JSON in Anthropic Messages, so that their white space is lost. */
function valueOf(input: string): unknown {
  try {
    return JSON.parse(input)
  } catch {
    return input
  }
}

interface Essence {
  readonly text: string
  readonly refused: boolean
  readonly calls: readonly { readonly name: string; readonly kind: string; readonly input: unknown }[]
  readonly finish: string | undefined
  readonly model: string | undefined
  readonly usage: object
}

/** What every API can say: texts, calls, finish reason and usage. Reasoning and annotations have other forms in each API. */
function essenceOf(events: readonly AnswerEvent[]): Essence {
  const { choices, start, usage } = fold(events)
  const { pieces = [], refused, toolCalls = [], finishReason } = choices[0] ?? {}
  return {
    text: pieces.join(''),
    refused: refused ?? false,
    calls: toolCalls.map(({ pieces: parts, name, kind }) => ({ name, kind, input: valueOf(parts.join('')) })),
    // Only chat reports a forced call with `stop`.
    finish: toolCalls.length > 0 && finishReason === 'stop' ? 'tool_calls' : finishReason,
    model: start.model,
    usage: {
      prompt: usage.promptTokens,
      completion: usage.completionTokens,
      // Anthropic Messages count the cached tokens apart from the others, so there cannot be more of them than in the prompt.
      cached: Math.min(usage.cachedTokens, usage.promptTokens),
      reasoning: usage.reasoningTokens,
      total: totalTokens(usage),
    },
  }
}

/** Problems of a stream that clients of its API do not accept. */
function streamProblems(form: ApiForm, text: string): string[] {
  const data = framesOf(text).map((frame) => frame.slice(frame.indexOf('data: ') + 6))
  const events = data
    .filter((one) => one !== '[DONE]')
    .map((one) => JSON.parse(one) as Record<string, unknown>)
  const problems: string[] = []
  const expectOne = (what: string, count: number): void =>
    void (count === 1 || problems.push(`${count} ${what}`))
  if (form === 'chat') {
    const choices = events.flatMap(
      ({ choices: list }) =>
        list as { delta?: { role?: string; tool_calls?: { id?: string }[] }; finish_reason?: string }[],
    )
    expectOne('[DONE]', data.filter((one) => one === '[DONE]').length)
    expectOne('roles', choices.filter(({ delta }) => delta?.role).length)
    expectOne('finish reasons', choices.filter((choice) => choice.finish_reason).length)
    expectOne('ids', new Set(events.map(({ id }) => id).filter(Boolean)).size)
    const callIds = choices
      .flatMap(({ delta }) => delta?.tool_calls?.map(({ id }) => id) ?? [])
      .filter((id) => id !== undefined)
    if (new Set(callIds).size !== callIds.length) problems.push('repeated call headers')
  } else if (form === 'responses') {
    if (events.some(({ sequence_number: number }, index) => number !== index))
      problems.push('sequence numbers')
    expectOne(
      'ends',
      events.filter(({ type }) => /^response\.(completed|incomplete|failed)$/.test(String(type))).length,
    )
  } else {
    expectOne('starts', events.filter(({ type }) => type === 'message_start').length)
    expectOne('ends', events.filter(({ type }) => type === 'message_stop').length)
  }
  return problems
}

/** How an answer differs after it was converted to another API and back; empty if it does not. */
async function differences(
  answer: RecordedAnswer,
  through: ApiForm,
  streams: boolean,
  random: Random,
): Promise<string[]> {
  const form = formOf(answer)
  service.answer = answerInPieces(answer, isStream(answer), random)
  const response = await first.post(paths[form], requestFor(form, `${through}-${form}`, streams))
  const text = await response.text()
  if (response.status !== 200) return [`status ${response.status}: ${text.slice(0, 300)}`]
  const original = essenceOf(eventsIn(form, isStream(answer), answer.text))
  // Anthropic Messages have a stop reason for refusals, and no separate text.
  const isChanged = through === 'messages' && original.refused
  const before = isChanged ? { ...original, refused: false, finish: 'content_filter' } : original
  const after = essenceOf(eventsIn(form, streams, text))
  const changed = isDeepStrictEqual(before, after)
    ? []
    : [`${JSON.stringify(before)}\n is ${JSON.stringify(after)}`]
  return [...changed, ...(streams ? streamProblems(form, text) : [])]
}

/** Answers with several choices cannot be requested with the other APIs, and failed ones are errors. */
function isConvertible(answer: RecordedAnswer): boolean {
  const { choices, error } = fold(eventsIn(formOf(answer), isStream(answer), answer.text))
  return choices.length === 1 && !error
}

/** The conversions of an answer. Requests with custom tools are not converted to Anthropic Messages. */
function routesOf(answer: RecordedAnswer) {
  const { calls } = essenceOf(eventsIn(formOf(answer), isStream(answer), answer.text))
  const isPossible = (through: ApiForm): boolean =>
    through !== formOf(answer) && !(through === 'messages' && calls.some(({ kind }) => kind === 'custom'))
  return apiForms
    .filter(isPossible)
    .flatMap((through) => [true, false].map((streams) => ({ through, streams })))
}

const ours = ['recordings', 'tests/golden'].flatMap((folder) => recordedAnswers(folder)).filter(isConvertible)

describe('a recorded answer that two gateways convert to another API and back', () => {
  it.each(ours.map((answer) => [answer.name, answer] as const))(
    'keeps its texts, calls, finish reason and usage: %s',
    async (name, answer) => {
      const random = createRandom(name)
      for (const { through, streams } of routesOf(answer)) {
        expect([through, streams, ...(await differences(answer, through, streams, random))]).toEqual([
          through,
          streams,
        ])
      }
    },
  )
})

const folder = process.env['REAL_TRAFFIC_DIR']
const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])

describe.skipIf(isMissing)(
  `an answer of a real service that two gateways convert to another API and back${note}`,
  () => {
    it('keeps its texts, calls, finish reason and usage', { timeout: 600_000 }, async () => {
      const answers = folder === undefined ? [] : recordedAnswers(folder).filter(isConvertible)
      const different: string[] = []
      let count = 0
      for (const answer of answers) {
        const random = createRandom(answer.name)
        for (const { through, streams } of routesOf(answer)) {
          count++
          const found = await differences(answer, through, streams, random)
          if (found.length > 0)
            different.push(
              `${answer.from} ${answer.name} ${answer.kind} through ${through}, ${streams ? 'streamed' : 'whole'}: ${found.join('; ')}`,
            )
        }
      }
      process.stdout.write(`${count - different.length} of ${count} equal\n`)
      expect(different).toEqual([])
    })
  },
)
