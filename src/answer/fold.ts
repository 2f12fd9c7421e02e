import type { Answer, AnswerError, AnswerEvent, AnswerStart, FilterEvent } from './answer-events.ts'
import type { Choice, FinishReason, ToolCall, Usage } from './completion.ts'
import { ThinkingBlocks } from './thinking-blocks.ts'

/** A choice while it grows. */
interface GrowingChoice {
  readonly texts: string[]
  readonly refusals: string[]
  readonly thoughts: string[]
  readonly calls: Map<number, ToolCall & { readonly pieces: string[] }>
  readonly logprobs: unknown[]
  readonly annotations: unknown[]
  readonly sound: string[]
  readonly thinking: ThinkingBlocks
  audio?: { id: string; expiresAt: number }
  context?: Readonly<Record<string, unknown>>
  filter?: unknown
  encrypted?: string
  signature?: string
  stopSequence?: string
  finishReason?: FinishReason
}

const noUsage: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }

/** Folds the events of an answer to the finished one. A choice without a finish ends with `stop`. */
export function fold(events: Iterable<AnswerEvent>): Answer {
  const start: AnswerStart = {}
  let usage: Usage | undefined
  let error: AnswerError | undefined
  const promptFilters: FilterEvent[] = []
  const growing: GrowingChoice[] = []
  const at = (choice: number): GrowingChoice => {
    while (growing.length <= choice) growing.push(emptyChoice())
    return growing[choice] as GrowingChoice
  }
  for (const event of events) {
    switch (event.kind) {
      case 'start': {
        const { kind: _, ...given } = event
        Object.assign(start, given)
        break
      }
      case 'usage':
        usage = event.usage
        break
      case 'error':
        error = event.error
        break
      case 'filter':
        if (event.of === 'prompt') promptFilters.push(event)
        else at(event.index).filter = event.results
        break
      default:
        grow(at(event.choice), event)
    }
  }
  const reasoningTokens = growing.length === 1 ? (usage?.reasoningTokens ?? 0) : 0
  return {
    start,
    choices: growing.map((choice) => finished(choice, reasoningTokens)),
    usage: usage ?? noUsage,
    ...(usage === undefined && { usageUnknown: true }),
    promptFilters,
    ...(error && { error }),
  }
}

function emptyChoice(): GrowingChoice {
  return {
    texts: [],
    refusals: [],
    thoughts: [],
    calls: new Map(),
    logprobs: [],
    annotations: [],
    sound: [],
    thinking: new ThinkingBlocks(),
  }
}

function grow(choice: GrowingChoice, event: Extract<AnswerEvent, { choice: number }>): void {
  choice.thinking.take(event)
  switch (event.kind) {
    case 'text':
    case 'refusal':
      ;(event.kind === 'text' ? choice.texts : choice.refusals).push(event.text)
      if (event.logprobs) choice.logprobs.push(...event.logprobs)
      break
    case 'thought':
      if (event.text !== '') choice.thoughts.push(event.text)
      if (event.encrypted !== undefined) choice.encrypted = event.encrypted
      if (event.signature !== undefined) choice.signature = event.signature
      break
    case 'call': {
      const { id, tool, name } = event
      choice.calls.set(event.call, { id, kind: tool, name, pieces: [] })
      break
    }
    case 'arguments':
      choice.calls.get(event.call)?.pieces.push(event.text)
      break
    case 'audio': {
      const { id, data, expiresAt } = event
      const known = (choice.audio ??= { id: '', expiresAt: 0 })
      if (id !== undefined) known.id = id
      if (expiresAt !== undefined) known.expiresAt = expiresAt
      if (data !== undefined) choice.sound.push(data)
      break
    }
    case 'context':
      choice.context = event.context
      break
    case 'annotations':
      choice.annotations.push(...event.annotations)
      break
    case 'finish':
      choice.finishReason = event.reason
      if (event.stopSequence !== undefined) choice.stopSequence = event.stopSequence
      break
    default:
  }
}

function finished(choice: GrowingChoice, reasoningTokens: number): Choice {
  const { texts, refusals, thoughts, calls, logprobs, annotations, filter, encrypted, audio, sound } = choice
  const refused = refusals.length > 0 && texts.join('') === ''
  return {
    pieces: refused ? refusals : texts,
    ...(refused && { refused }),
    ...(!refused && refusals.length > 0 && { refusal: refusals.join('') }),
    toolCalls: [...calls].sort(([a], [b]) => a - b).map(([, call]) => call),
    finishReason: choice.finishReason ?? 'stop',
    reasoningTokens,
    overheadTokens: 0,
    ...(thoughts.length > 0 && { thought: thoughts.join('') }),
    ...(encrypted !== undefined && { encryptedThought: encrypted }),
    ...(choice.thinking.blocks.length > 0 && { thinkingBlocks: choice.thinking.blocks }),
    ...(choice.signature !== undefined && { thoughtSignature: choice.signature }),
    ...(choice.stopSequence !== undefined && { stopSequence: choice.stopSequence }),
    ...(filter !== undefined && { filter }),
    ...(logprobs.length > 0 && { logprobs }),
    ...(annotations.length > 0 && { annotations }),
    ...(choice.context && { context: choice.context }),
    ...(audio && { audio: { ...audio, parts: 1, data: () => joined(sound) } }),
  }
}

/** Each part of a sound can be decoded separately. */
function joined(parts: readonly string[]): string {
  return Buffer.concat(parts.map((part) => Buffer.from(part, 'base64'))).toString('base64')
}
