import { type EventsBody, textBody, type WholeBody } from '../../answer/body.ts'
import { ChoiceEvents } from '../../answer/choice-events.ts'
import {
  completionSteps,
  totalTokens,
  wholeText,
  type Choice,
  type Completion,
} from '../../answer/completion.ts'
import { dataEvent, doneEvent } from '../sse.ts'
import { toolCallJson } from './chat-chunks.ts'

/** The fields of every object of an answer with data sources. */
export interface DataChatFacts {
  /** A GUID. */
  readonly id: string
  /** Without a version. */
  readonly model: string
  /** Seconds since 1970. */
  readonly created: number
  readonly systemFingerprint: string
  /** `context` of the message: what the data source returned. */
  readonly context: Readonly<Record<string, unknown>>
}

/**
 * Returns the body of a chat completion with data sources. Its form is that of the component in front of the model, without filter
 * results (Microsoft Learn, "On Your Data", and a stream of April 2024).
 */
export function dataChatBody({ choices, usage }: Completion, facts: DataChatFacts): WholeBody {
  const { id, model, created, systemFingerprint, context } = facts
  return textBody(
    JSON.stringify({
      id,
      model,
      created,
      object: 'extensions.chat.completion',
      choices: choices.map((choice, index) => ({
        index,
        finish_reason: choice.finishReason,
        message: {
          role: 'assistant',
          content: choice.toolCalls.length > 0 && choice.pieces.length === 0 ? null : wholeText(choice),
          ...callsOf(choice),
          end_turn: true,
          context,
        },
      })),
      usage: {
        prompt_tokens: usage.promptTokens,
        completion_tokens: usage.completionTokens,
        total_tokens: totalTokens(usage),
      },
      system_fingerprint: systemFingerprint,
    }),
  )
}

function callsOf({ toolCalls }: Choice): object {
  if (toolCalls.length === 0) return {}
  return {
    tool_calls: toolCalls.map((call) => JSON.parse(toolCallJson(call, call.pieces.join(''))) as unknown),
  }
}

/** Returns the events of a streamed chat completion with data sources. The first one of a choice has the context. */
export function dataChatStream(completion: Completion, facts: DataChatFacts): EventsBody {
  const events = new ChoiceEvents(completion)
  const lastStep = Math.max(0, completionSteps(completion).visible - 1)
  const { id, model, created, systemFingerprint, context } = facts
  const chunk = (
    index: number,
    delta: object,
    ended: boolean,
    finish: string | null,
    isText = false,
  ): string =>
    dataEvent(
      JSON.stringify({
        id,
        model,
        created,
        object: 'extensions.chat.completion.chunk',
        choices: [{ index, delta, end_turn: ended, finish_reason: finish }],
        ...(isText && { system_fingerprint: systemFingerprint }),
      }),
    )
  return {
    kind: 'events',
    count: events.length + 1,
    stepOf: (index) => events.at(index)?.step ?? lastStep,
    render(index) {
      const event = events.at(index)
      const choice = event && completion.choices[event.choice]
      if (!event || !choice) return doneEvent
      const { choice: at, call: callIndex, token } = event
      const call = choice.toolCalls[callIndex]
      switch (event.kind) {
        case 'start': {
          const first = choice.toolCalls.length === 1 && choice.pieces.length === 0 ? choice.toolCalls : []
          const calls = first.map((one) => JSON.parse(toolCallJson(one, '', 0)) as unknown)
          return chunk(
            at,
            { role: 'assistant', context, ...(calls.length > 0 && { tool_calls: calls }) },
            false,
            null,
          )
        }
        case 'token':
          return chunk(at, { content: choice.pieces[token] ?? '' }, false, null, true)
        case 'call':
          return chunk(
            at,
            { tool_calls: call ? [JSON.parse(toolCallJson(call, '', callIndex))] : [] },
            false,
            null,
          )
        case 'argument':
          return chunk(
            at,
            { tool_calls: [{ function: { arguments: call?.pieces[token] ?? '' }, index: callIndex }] },
            false,
            null,
          )
        default:
          return chunk(at, {}, true, choice.finishReason)
      }
    },
  }
}
