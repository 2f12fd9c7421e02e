import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { AnswerEvent, AnswerReader } from '../../src/answer/answer-events.ts'
import { fold } from '../../src/answer/fold.ts'
import { totalTokens } from '../../src/answer/completion.ts'
import { createRandom } from '../../src/lib/random.ts'
import { ChatReader, readChat } from '../../src/wire/chat/read-chat.ts'
import { chatBody, chatFactsOf, ChatStreamWriter } from '../../src/wire/chat/write-chat.ts'
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
  const reader: AnswerReader = kind === 'chat-stream' ? new ChatReader() : new ResponsesReader()
  return [...framesOf(text).flatMap((frame) => reader.push(frame)), ...reader.end()]
}

function write(kind: RecordedAnswer['kind'], events: readonly AnswerEvent[], usesFunctions: boolean): string {
  const answer = fold(events)
  if (kind === 'chat') {
    return String(chatBody(answer, chatFactsOf(answer.start, { ...facts, usesFunctions })).render())
  }
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
      : new ResponsesStreamWriter(options)
  return [...events.map((event) => writer.write(event)), writer.end()].join('')
}

const pairs = {
  chat: ['chat', 'chat-stream'],
  'chat-stream': ['chat-stream', 'chat'],
  responses: ['responses', 'responses-stream'],
  'responses-stream': ['responses-stream', 'responses'],
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
  const isChat = kind === 'chat' || kind === 'chat-stream'
  const there = isChat ? 'responses-stream' : 'chat-stream'
  const back = isChat ? 'chat' : 'responses'
  const again = write(back, read({ kind: there, text: write(there, events, false) }), false)
  return { seen: essence(kind, text), again: essence(back, again) }
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

const ours = ['recordings', 'tests/golden'].flatMap((folder) => recordedAnswers(folder))

describe('an answer that is read and written again', () => {
  it('has recordings of each kind', () => {
    expect(new Set(ours.map(({ kind }) => kind)).size).toBe(4)
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
        return !isDeepStrictEqual(plain(again), plain(seen))
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
