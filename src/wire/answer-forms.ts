import type { AnswerEvent, AnswerReader, AnswerWriter } from '../answer/answer-events.ts'
import { fold } from '../answer/fold.ts'
import type { Random } from '../lib/random.ts'
import { isRecord } from '../lib/record.ts'
import type { ChatFacts } from './chat/chat-chunks.ts'
import { ChatReader, readChat } from './chat/read-chat.ts'
import { chatBody, chatFactsOf, ChatStreamWriter } from './chat/write-chat.ts'
import type { ApiForm, JsonMembers } from './conversion.ts'
import { alphanumeric, chatCompletionId, messageId } from './ids.ts'
import type { MessageFacts } from './messages/message-events.ts'
import { MessagesReader, readMessage } from './messages/read-messages.ts'
import { MessagesStreamWriter, writeMessage } from './messages/write-messages.ts'
import type { Model } from './models/models.ts'
import { echoedRequest } from './responses/echoed-request.ts'
import { ENCRYPTED_REASONING } from './responses/encrypted-content.ts'
import { readResponse, ResponsesReader } from './responses/read-responses.ts'
import { ResponseIds } from './responses/response-ids.ts'
import {
  ResponsesStreamWriter,
  writeResponse,
  type ResponsesWriterOptions,
} from './responses/write-responses.ts'

/** What the writer of an answer needs in addition to its events. */
export interface WriteContext {
  /** The request of the caller, in the API of the written answer. */
  readonly request: JsonMembers
  /** The model name if the answer does not contain one. */
  readonly modelName: string
  readonly model: Pick<Model, 'capabilities'>
  readonly random: Random
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** How the answers of an API are read and written. */
export interface AnswerForm {
  /** Reads an answer that is not streamed. Never throws: an invalid one becomes an `error` event. */
  readonly read: (json: string) => readonly AnswerEvent[]
  readonly createReader: () => AnswerReader
  /** Writes an answer that is not streamed. */
  readonly write: (events: readonly AnswerEvent[], context: WriteContext) => string
  readonly createWriter: (context: WriteContext) => AnswerWriter
}

const chat: AnswerForm = {
  read: readChat,
  createReader: () => new ChatReader(),
  write(events, context) {
    const answer = fold(events.map((event) => withCallId(event, context.random)))
    return String(chatBody(answer, chatFactsOf(answer.start, chatFactsFor(context))).render())
  },
  createWriter(context) {
    const { stream_options: options } = context.request
    const includeUsage = isRecord(options) && options['include_usage'] === true
    const { random } = context
    return withCallIds(
      new ChatStreamWriter(chatFactsFor(context), { includeUsage, obfuscate: false }, random),
      random,
    )
  },
}

/** Clients need an id to return the result of a call. Some services send none. The writer of messages creates them itself. */
function withCallId(event: AnswerEvent, random: Random): AnswerEvent {
  return event.kind === 'call' && event.id === ''
    ? { ...event, id: `call_${alphanumeric(random, CALL_ID_LENGTH)}` }
    : event
}

const CALL_ID_LENGTH = 24

function withCallIds(writer: AnswerWriter, random: Random): AnswerWriter {
  return { write: (event) => writer.write(withCallId(event, random)), end: () => writer.end() }
}

const responses: AnswerForm = {
  read: readResponse,
  createReader: () => new ResponsesReader(),
  write: (events, context) =>
    writeResponse(
      events.map((event) => withCallId(event, context.random)),
      responsesOptions(context),
    ),
  createWriter: (context) =>
    withCallIds(new ResponsesStreamWriter(responsesOptions(context)), context.random),
}

const messages: AnswerForm = {
  read: readMessage,
  createReader: () => new MessagesReader(),
  write: (events, context) => writeMessage(events, messageFactsFor(context)),
  createWriter: (context) => new MessagesStreamWriter(messageFactsFor(context)),
}

/** The answers of each API. */
export const answerForms: Readonly<Record<ApiForm, AnswerForm>> = { chat, responses, messages }

/** The fields of a chat answer that the events do not contain. Fields that only Azure has are not invented. */
function chatFactsFor({ request, modelName, random, nowMs }: WriteContext): ChatFacts {
  return {
    idJson: JSON.stringify(chatCompletionId(random)),
    created: Math.floor(nowMs() / 1_000),
    model: modelName,
    systemFingerprint: undefined,
    serviceTier: undefined,
    form: plainForm,
    times: undefined,
    usesFunctions: Array.isArray(request['functions']) && request['tools'] === undefined,
    logprobs: undefined,
    annotates: false,
    found: undefined,
  }
}

const plainForm: ChatFacts['form'] = {
  hasServiceTier: false,
  routing: undefined,
  checkpoint: undefined,
  hasCacheWriteTokens: false,
  hasFingerprint: false,
  removed: undefined,
}

function responsesOptions({
  request,
  modelName,
  model,
  random,
  nowMs,
}: WriteContext): ResponsesWriterOptions {
  return {
    request: echoedRequest(request),
    deployment: modelName,
    model,
    ids: new ResponseIds(random),
    createdMs: nowMs(),
    nowMs,
    noise: undefined,
    includesThinking: Array.isArray(request['include']) && request['include'].includes(ENCRYPTED_REASONING),
  }
}

function messageFactsFor({ modelName, random }: WriteContext): MessageFacts {
  return { id: messageId(random), model: modelName }
}
