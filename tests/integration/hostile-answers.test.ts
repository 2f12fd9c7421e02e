import { describe, expect, it } from 'vitest'
import type { AnswerEvent, AnswerReader } from '../../src/answer/answer-events.ts'
import { fold } from '../../src/answer/fold.ts'
import { createRandom, type Random } from '../../src/lib/random.ts'
import { ChatReader, readChat } from '../../src/wire/chat/read-chat.ts'
import { chatBody, ChatStreamWriter } from '../../src/wire/chat/write-chat.ts'
import { MessagesReader, readMessage } from '../../src/wire/messages/read-messages.ts'
import { MessagesStreamWriter, writeMessage } from '../../src/wire/messages/write-messages.ts'
import { readResponse, ResponsesReader } from '../../src/wire/responses/read-responses.ts'
import { ResponseIds } from '../../src/wire/responses/response-ids.ts'
import { ResponsesStreamWriter, writeResponse } from '../../src/wire/responses/write-responses.ts'
import { framesOf } from '../support/answer-sight.ts'
import { recordedAnswers } from '../support/answer-sources.ts'
import { chatFacts } from '../support/chat-parts.ts'
import { everyBlockMessage, everyBlockStream } from '../support/message-parts.ts'
import { jsonText, mutateJson } from '../support/mutate-json.ts'
import { findModel } from '../../src/wire/models/model-catalogue.ts'

const answers = [
  ...recordedAnswers('tests/golden').filter(({ text }) => text.length < 40_000),
  { name: 'message', kind: 'messages', text: JSON.stringify(everyBlockMessage) },
  { name: 'stream of a message', kind: 'messages-stream', text: everyBlockStream },
]
const rounds = 10
const message = { id: 'msg_1', model: 'm' }

/** Mutates the JSON of a frame, truncates the frame, or returns it unchanged. */
function mutateFrame(frame: string, random: Random): string {
  const start = frame.indexOf('data: ')
  const data = frame.slice(start + 6)
  if (start < 0 || data === '[DONE]' || random.unit() < 0.7) return frame
  if (random.unit() < 0.2) return frame.slice(0, random.below(frame.length))
  return `${frame.slice(0, start + 6)}${jsonText(mutateJson(JSON.parse(data), random))}`
}

function readMutated(kind: string, text: string, random: Random): AnswerEvent[] {
  if (kind === 'chat' || kind === 'responses' || kind === 'messages') {
    const mutated =
      random.unit() < 0.1
        ? text.slice(0, random.below(text.length))
        : jsonText(mutateJson(JSON.parse(text), random))
    const read = { chat: readChat, responses: readResponse, messages: readMessage }[kind]
    return [...read(mutated)]
  }
  const reader: AnswerReader =
    kind === 'chat-stream'
      ? new ChatReader()
      : kind === 'messages-stream'
        ? new MessagesReader()
        : new ResponsesReader()
  const events = framesOf(text).flatMap((frame) => reader.push(mutateFrame(frame, random)))
  return [...events, ...reader.end()]
}

function writeAll(events: readonly AnswerEvent[]): void {
  const options = {
    request: { input: [] },
    deployment: 'd',
    model: findModel('gpt-4o')!,
    ids: new ResponseIds(createRandom('ids')),
    createdMs: 0,
    nowMs: () => 0,
    noise: createRandom('noise'),
  }
  const streamed = { includeUsage: true, obfuscate: true }
  for (const writer of [
    new ChatStreamWriter(chatFacts, streamed, createRandom('noise')),
    new ResponsesStreamWriter(options),
    new MessagesStreamWriter(message),
  ]) {
    const written = [...events.map((event) => writer.write(event)), writer.end()]
    for (const frame of framesOf(written.join(''))) {
      const data = frame.slice(frame.indexOf('data: ') + 6)
      if (data !== '[DONE]') JSON.parse(data)
    }
  }
  JSON.parse(String(chatBody(fold(events), chatFacts).render()))
  JSON.parse(writeResponse(events, options))
  JSON.parse(writeMessage(events, message))
}

describe('a mutated answer', () => {
  it.each(answers.map((answer) => [answer.name, answer] as const))(
    'is read without an exception, and the result can be written: %s',
    (name, { kind, text }) => {
      for (let round = 0; round < rounds; round++) {
        const events = readMutated(kind, text, createRandom(`${name} ${round}`))
        expect(events.filter((event) => event.kind === 'error').length).toBeLessThan(2)
        writeAll(events)
      }
    },
  )
})
