import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { AnswerEvent, AnswerReader } from '../../src/answer/answer-events.ts'
import { fold } from '../../src/answer/fold.ts'
import { totalTokens } from '../../src/answer/completion.ts'
import { createRandom } from '../../src/lib/random.ts'
import { ChatReader, readChat } from '../../src/wire/chat/read-chat.ts'
import { chatBody, chatFactsOf, ChatStreamWriter } from '../../src/wire/chat/write-chat.ts'
import { MessagesReader, readMessage } from '../../src/wire/messages/read-messages.ts'
import { MessagesStreamWriter, writeMessage } from '../../src/wire/messages/write-messages.ts'
import { readResponse, ResponsesReader } from '../../src/wire/responses/read-responses.ts'
import { ResponseIds } from '../../src/wire/responses/response-ids.ts'
import { ResponsesStreamWriter, writeResponse } from '../../src/wire/responses/write-responses.ts'
import { framesOf, sightOf, type Sight } from '../support/answer-sight.ts'
import { recordedAnswers, type RecordedAnswer } from '../support/answer-sources.ts'
import { chatFacts } from '../support/chat-parts.ts'
import { needOf } from '../support/installed-tool.ts'
import { findModel } from '../../src/wire/models/model-catalogue.ts'

const facts = { ...chatFacts, idJson: '"chatcmpl-made"', systemFingerprint: undefined, annotates: false }

function read({ kind, text }: Pick<RecordedAnswer, 'kind' | 'text'>): AnswerEvent[] {
  if (kind === 'chat') return [...readChat(text)]
  if (kind === 'responses') return [...readResponse(text)]
  if (kind === 'messages') return [...readMessage(text)]
  const reader: AnswerReader =
    kind === 'chat-stream'
      ? new ChatReader()
      : kind === 'messages-stream'
        ? new MessagesReader()
        : new ResponsesReader()
  return [...framesOf(text).flatMap((frame) => reader.push(frame)), ...reader.end()]
}

function write(kind: RecordedAnswer['kind'], events: readonly AnswerEvent[], usesFunctions: boolean): string {
  const answer = fold(events)
  if (kind === 'chat') {
    return String(chatBody(answer, chatFactsOf(answer.start, { ...facts, usesFunctions })).render())
  }
  const message = { id: 'msg_made', model: 'claude' }
  if (kind === 'messages') return writeMessage(events, message)
  const options = {
    request: { input: [] },
    deployment: 'd',
    model: findModel('gpt-4o')!,
    ids: new ResponseIds(createRandom('ids')),
    createdMs: 0,
    nowMs: () => 1_000,
    noise: createRandom('noise'),
  }
  if (kind === 'responses') return writeResponse(events, options)
  const includeUsage = answer.usageUnknown !== true
  const writer =
    kind === 'chat-stream'
      ? new ChatStreamWriter(
          { ...facts, usesFunctions },
          { includeUsage, obfuscate: true },
          createRandom('noise'),
        )
      : kind === 'messages-stream'
        ? new MessagesStreamWriter(message)
        : new ResponsesStreamWriter(options)
  return [...events.map((event) => writer.write(event)), writer.end()].join('')
}

const pairs = {
  chat: ['chat', 'chat-stream'],
  'chat-stream': ['chat-stream', 'chat'],
  responses: ['responses', 'responses-stream'],
  'responses-stream': ['responses-stream', 'responses'],
  messages: ['messages', 'messages-stream'],
  'messages-stream': ['messages-stream', 'messages'],
} as const

/** What a client sees of an answer that was read and written again, whole and streamed. */
function rewritten(answer: RecordedAnswer): { readonly seen: Sight; readonly again: readonly Sight[] } {
  const events = read(answer)
  const usesFunctions = /"function_call":\s*\{/.test(answer.text)
  return {
    seen: sightOf(answer.kind, answer.text),
    again: pairs[answer.kind].map((kind) => sightOf(kind, write(kind, events, usesFunctions))),
  }
}

/**
 * The part of an answer that is preserved when it is converted to the other API and back: texts, calls, finish reason and usage.
 * Reasoning, annotations and log probabilities have other forms there, and the Responses API has one choice.
 */
function bridged({ kind, text }: RecordedAnswer): { readonly seen: Sight; readonly again: Sight } {
  const events = read({ kind, text })
  const back = wholeOf(kind)
  const there = back === 'chat' ? 'responses-stream' : 'chat-stream'
  const again = write(back, read({ kind: there, text: write(there, events, false) }), false)
  return { seen: essence(kind, text), again: essence(back, again) }
}

/** Like `bridged`, for an answer that is converted to Anthropic Messages and back. */
function throughMessages({ kind, text }: RecordedAnswer): {
  readonly seen: readonly Sight[]
  readonly again: readonly Sight[]
} {
  const events = read({ kind, text })
  const back = wholeOf(kind)
  const again = (['messages', 'messages-stream'] as const).map((there) =>
    write(back, read({ kind: there, text: write(there, events, false) }), false),
  )
  const seen = messagesEssence(kind, text)
  return { seen: [seen, seen], again: again.map((one) => messagesEssence(back, one)) }
}

function wholeOf(kind: RecordedAnswer['kind']): 'chat' | 'responses' | 'messages' {
  return kind.replace('-stream', '') as 'chat' | 'responses' | 'messages'
}

/**
 * The part of `essence` that Anthropic Messages can express. A refusal is a text with a stop reason there, and arguments are JSON. They
 * have neither the time, nor ids of `function_call`, nor a total that is not the sum.
 */
function messagesEssence(kind: RecordedAnswer['kind'], text: string): Sight {
  const { created: _, refused, finish, calls, usage, ...rest } = essence(kind, text)
  const { total: __, ...counts } = usage as Record<string, number>
  return {
    ...rest,
    // Some services report more cached tokens than the prompt has.
    usage: { ...counts, cached: Math.min(counts['cached'] ?? 0, counts['prompt'] ?? 0) },
    finish: refused === true && finish === 'stop' ? 'content_filter' : finish,
    calls: (calls as { id: string; kind: string; name: string; pieces: string }[]).map(
      ({ id, kind, name, pieces }) => ({
        name,
        id: id === '' || id.startsWith('toolu_made') ? undefined : id,
        input: argumentsOf(kind, pieces),
      }),
    ),
  }
}

function argumentsOf(kind: string, text: string): unknown {
  if (kind === 'custom') return { input: text }
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return text
  }
}

function essence(kind: RecordedAnswer['kind'], text: string): Sight {
  const { choices, start, usage } = fold(read({ kind, text }))
  const { pieces = [], refused, toolCalls = [], finishReason } = choices[0] ?? {}
  return {
    text: pieces.join(''),
    refused: refused ?? false,
    calls: toolCalls.map((call) => ({ ...call, pieces: call.pieces.join('') })),
    // The Responses API does not report that a call was forced. Chat reports it with `stop`.
    finish: toolCalls.length > 0 && finishReason === 'stop' ? 'tool_calls' : finishReason,
    model: start.model,
    created: start.createdSeconds,
    usage: {
      prompt: usage.promptTokens,
      completion: usage.completionTokens,
      cached: usage.cachedTokens,
      reasoning: usage.reasoningTokens,
      total: totalTokens(usage),
    },
  }
}

const hasOneChoice = ({ kind, text }: RecordedAnswer): boolean =>
  fold(read({ kind, text })).choices.length === 1
const named = (answers: readonly RecordedAnswer[]) => answers.map((answer) => [answer.name, answer] as const)

const ours = ['recordings', 'tests/golden', 'tests/clients/recordings'].flatMap((folder) =>
  recordedAnswers(folder),
)

describe('an answer that is read and written again', () => {
  it('has recordings of each kind', () => {
    expect(new Set(ours.map(({ kind }) => kind)).size).toBe(6)
    expect(ours.length).toBeGreaterThan(60)
  })

  it.each(named(ours))('is equal for a client: %s', (_, answer) => {
    const { seen, again } = rewritten(answer)
    for (const one of again) expect(one).toEqual(seen)
  })

  it.each(named(ours.filter(hasOneChoice)))(
    'keeps its texts and calls when converted to the other API: %s',
    (_, answer) => {
      const { seen, again } = bridged(answer)
      expect(again).toEqual(seen)
    },
  )

  it.each(named(ours.filter(hasOneChoice)))(
    'keeps its texts and calls when converted to Anthropic Messages: %s',
    (_, answer) => {
      const { seen, again } = throughMessages(answer)
      expect(again).toEqual(seen)
    },
  )
})

/** Projects with recordings that were used to develop the readers and writers. Other projects only validate them. */
const madeWith = new Set([
  'DataDog/dd-trace-py',
  'DataDog/dd-trace-js',
  'crewAIInc/crewAI',
  'crmne/ruby_llm',
  'dd-trace-py',
  'ruby_llm',
  'braintrust',
])

/** Recordings that a client sees in another form, and why. */
const knownDifferences = new Set([
  // The service encrypts the reasoning again for the last event of a stream. Both can be sent back.
  'crmne/ruby_llm azure-captures.jsonl #73',
  // A blocked whole answer of 2024 has no message. The simulator writes a message without a text.
  'lmnr-ai/lmnr-python azure-captures.jsonl #93',
])

const folder = process.env['REAL_TRAFFIC_DIR']
const real = folder === undefined ? [] : recordedAnswers(folder)
const kinds = ['chat', 'chat-stream', 'responses', 'responses-stream'] as const

const parts = ['made with', 'judged by'] as const

const { isMissing, note } = needOf(folder === undefined ? ['REAL_TRAFFIC_DIR'] : [])

describe.skipIf(isMissing)(`an answer of a real service${note}`, () => {
  it.each(parts.flatMap((part) => kinds.map((kind) => [kind, part] as const)))(
    'is equal for a client: %s, of the projects that the readers were %s',
    (kind, part) => {
      const answers = real.filter(
        (one) => one.kind === kind && madeWith.has(one.from) === (part === 'made with'),
      )
      const different = answers.filter((answer) => {
        const { seen, again } = rewritten(answer)
        return again.some((one) => !isDeepStrictEqual(plain(one), plain(seen)))
      })
      const through = answers.filter(hasOneChoice)
      const lost = through.filter((answer) => {
        const { seen, again } = bridged(answer)
        const messages = throughMessages(answer)
        return (
          !isDeepStrictEqual(plain(again), plain(seen)) ||
          !isDeepStrictEqual(plain(messages.again), plain(messages.seen))
        )
      })
      process.stdout.write(
        `${kind}, ${part}: ${answers.length - different.length} of ${answers.length} equal, ${through.length - lost.length} of ${through.length} through the other API\n`,
      )
      const names = [...different, ...lost].map(({ from, name }) => `${from} ${name}`)
      expect(names.filter((name) => !knownDifferences.has(name))).toEqual([])
    },
  )
})

/** Absent values become undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
