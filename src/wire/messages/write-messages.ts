import type { AnswerEvent, AnswerStart, AnswerWriter, FinishEvent } from '../../answer/answer-events.ts'
import { isAsciiText, renderedBody, type WholeBody } from '../../answer/body.ts'
import {
  wholeText,
  type Choice,
  type Completion,
  type FinishReason,
  type Usage,
} from '../../answer/completion.ts'
import { MessageBlocks, type BlockStart, type BlockStep } from './message-blocks.ts'
import {
  blockEvent,
  messageEndEvents,
  messageJson,
  messageStartEvent,
  pingEvent,
  toolUseJson,
  type MessageFacts,
  type MessageStop,
} from './message-events.ts'
import { messagesErrorEvent } from './messages-errors.ts'

/**
 * Returns the body of a generated message. Anthropic Messages have one choice.
 *
 * @param stop why it ends; default: as its choice
 */
export function messageBody(completion: Completion, facts: MessageFacts, stop?: MessageStop): WholeBody {
  const [choice] = completion.choices
  const isAscii = choice !== undefined && isAsciiChoice(choice) && isAsciiText(facts.model)
  return renderedBody(() => writeMessage(eventsOf(choice, completion.usage, stop), facts), isAscii)
}

function isAsciiChoice({ plainText, thought, stopSequence, toolCalls }: Choice): boolean {
  const others = thought ?? stopSequence
  return plainText !== undefined && others === undefined && toolCalls.length === 0
}

function* eventsOf(
  choice: Choice | undefined,
  usage: Usage,
  stop: MessageStop | undefined,
): Generator<AnswerEvent> {
  if (choice) {
    const { thought, thoughtSignature, refused, toolCalls, finishReason, stopSequence } = choice
    const text = wholeText(choice)
    if (thought !== undefined || thoughtSignature !== undefined) {
      yield {
        kind: 'thought',
        choice: 0,
        text: thought ?? '',
        ...(thoughtSignature !== undefined && { signature: thoughtSignature }),
      }
    }
    yield { kind: refused === true ? 'refusal' : 'text', choice: 0, text }
    for (const [call, { id, kind, name, pieces }] of toolCalls.entries()) {
      yield { kind: 'call', choice: 0, call, tool: kind, id, name }
      yield { kind: 'arguments', choice: 0, call, text: pieces.join('') }
    }
    yield {
      kind: 'finish',
      choice: 0,
      reason: finishReason,
      ...(stopSequence !== undefined && { stopSequence }),
      ...(stop && { stopReason: stop.reason }),
      ...(stop?.details && { stopDetails: stop.details }),
    }
  }
  yield { kind: 'usage', usage }
}

/** Returns the body of a message that is not streamed, as compact JSON. `facts` are defaults for fields that the events lack. */
export function writeMessage(events: Iterable<AnswerEvent>, facts: MessageFacts): string {
  const state = new MessageState(facts)
  const blocks: WholeBlock[] = []
  const add = (steps: readonly BlockStep[]): void => {
    for (const step of steps) addStep(blocks, step)
  }
  for (const event of events) {
    state.take(event)
    add(state.blocks.steps(event))
  }
  add(state.blocks.end())
  return messageJson(state.facts, blocks.map(blockJson).join(','), state.stop, state.usage)
}

/** A block of a whole message. */
interface WholeBlock {
  readonly start: BlockStart
  text: string
  signature: string
  readonly citations: unknown[]
}

function addStep(blocks: WholeBlock[], step: BlockStep): void {
  if (step.step === 'start') {
    blocks[step.index] = { start: step.start, text: '', signature: '', citations: [] }
    return
  }
  const block = blocks[step.index]
  if (!block || step.step === 'stop') return
  if (step.step === 'citation') block.citations.push(step.citation)
  else if (step.step === 'signature') block.signature += step.text
  else block.text += step.text
}

function blockJson({ start, text, signature, citations }: WholeBlock): string {
  switch (start.type) {
    case 'text': {
      const cited = citations.length > 0 ? `"citations":${JSON.stringify(citations)},` : ''
      return `{"type":"text",${cited}"text":${JSON.stringify(text)}}`
    }
    case 'thinking':
      return JSON.stringify({ type: 'thinking', thinking: text, signature })
    case 'tool_use':
      return toolUseJson(start, inputJson(text))
    default:
      return JSON.stringify(start.block)
  }
}

/** Arguments that are not JSON become a string, since `input` can be any value. The service itself returns only objects. */
function inputJson(text: string): string {
  if (text.trim() === '') return '{}'
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return JSON.stringify(text)
  }
}

/** Writes a stream of Anthropic Messages. It has one choice: events of other choices are ignored. */
export class MessagesStreamWriter implements AnswerWriter {
  readonly #state: MessageState
  #started = false
  #pinged = false
  #failed = false

  /** @param facts default values for fields that the events do not contain */
  constructor(facts: MessageFacts) {
    this.#state = new MessageState(facts)
  }

  write(event: AnswerEvent): string {
    if (this.#failed) return ''
    if (event.kind === 'error') {
      this.#failed = true
      return messagesErrorEvent(event.error)
    }
    this.#state.take(event)
    return this.#write(this.#state.blocks.steps(event))
  }

  end(): string {
    if (this.#failed) return ''
    const { stop, usage, blocks } = this.#state
    return this.#write(blocks.end()) + this.#start() + messageEndEvents(stop, usage)
  }

  #write(steps: readonly BlockStep[]): string {
    let text = steps.length > 0 ? this.#start() : ''
    for (const step of steps) {
      text += blockEvent(step)
      if (!this.#pinged) text += pingEvent
      this.#pinged = true
    }
    return text
  }

  /** The first event is written with the first block, since events before it can contain the usage of the prompt. */
  #start(): string {
    if (this.#started) return ''
    this.#started = true
    return messageStartEvent(this.#state.facts, this.#state.usage)
  }
}

/** What the events say about a message, without its content. */
class MessageState {
  readonly blocks: MessageBlocks
  usage: Usage | undefined
  #facts: MessageFacts
  #finish: FinishEvent | undefined

  constructor(facts: MessageFacts) {
    this.#facts = facts
    this.blocks = new MessageBlocks((call) => `toolu_${this.#facts.id.replace(/^msg_/, '')}${call}`)
  }

  get facts(): MessageFacts {
    return this.#facts
  }

  get stop(): MessageStop {
    const { reason = 'stop', stopReason, stopSequence, stopDetails } = this.#finish ?? {}
    const stop = stopReason ?? (stopSequence === undefined ? this.#reasonOf(reason) : 'stop_sequence')
    return {
      reason: stop,
      sequence: stopSequence,
      details: stopDetails ?? (stop === 'refusal' ? refusalDetails : undefined),
    }
  }

  take(event: AnswerEvent): void {
    if (event.kind === 'start') this.#facts = factsOf(event, this.#facts)
    else if (event.kind === 'usage') this.usage = event.usage
    else if (event.kind === 'finish' && event.choice === 0) this.#finish = event
  }

  /** Chat completions report a refusal and a forced call with `stop`. */
  #reasonOf(reason: FinishReason): string {
    if (reason !== 'stop') return stopReasons[reason]
    return this.blocks.called ? 'tool_use' : this.blocks.refused ? 'refusal' : 'end_turn'
  }
}

const stopReasons = {
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
} as const

const refusalDetails = { type: 'refusal', category: null, explanation: null }

/** Ids and tiers of other APIs are replaced. */
function factsOf({ id, model, serviceTier }: AnswerStart, facts: MessageFacts): MessageFacts {
  const tier = serviceTier === 'priority' || serviceTier === 'batch' ? serviceTier : undefined
  return {
    ...facts,
    ...(id?.startsWith('msg_') && { id }),
    ...(model !== undefined && { model }),
    ...(tier && { serviceTier: tier }),
  }
}
