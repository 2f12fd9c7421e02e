import { visibleTokens, type Choice, type Completion } from './completion.ts'

/** An event of a streamed completion: the start of a choice, a token of its text, a call, a token of its arguments, or its end. */
export interface ChoiceEvent {
  readonly kind: 'start' | 'token' | 'call' | 'argument' | 'finish'
  readonly choice: number
  /** Index of the call; 0 if the event is not about a call. */
  readonly call: number
  /** Index in the pieces of the text or of the arguments; 0 if the event is not about a token. */
  readonly token: number
  /** The step of the schedule at which the event is due: the index of its token in text and calls together. */
  readonly step: number
}

/**
 * The order of the events of a completion: all choices start, then their tokens are interleaved, and each choice ends after its last
 * token. A single call has no separate event, because the start of the choice contains it.
 *
 * Events are created on demand: 128 choices of 32,768 tokens would be 4 million objects for each open stream. Read them in
 * ascending order; a lower index restarts the iteration.
 */
export class ChoiceEvents {
  /** Number of events. */
  readonly length: number
  readonly #choices: readonly Choice[]
  readonly #withStarts: boolean
  #events: Iterator<ChoiceEvent, undefined>
  #index = -1
  #event: ChoiceEvent | undefined

  /** @param withStarts whether a choice begins with a `start` event; default: true */
  constructor({ choices }: Completion, { withStarts = true } = {}) {
    this.#choices = choices
    this.#withStarts = withStarts
    this.length = choices.reduce((sum, choice) => sum + eventsOf(choice), withStarts ? choices.length : 0)
    this.#events = interleavedEvents(choices, withStarts)
  }

  /** The event at an index; undefined after the last one. */
  at(index: number): ChoiceEvent | undefined {
    if (index < this.#index) {
      this.#events = interleavedEvents(this.#choices, this.#withStarts)
      this.#index = -1
    }
    while (this.#index < index) {
      this.#event = this.#events.next().value
      this.#index++
    }
    return this.#event
  }
}

/** Number of events of a choice, without its start. */
function eventsOf(choice: Choice): number {
  return visibleTokens(choice) + (hasCallEvents(choice) ? choice.toolCalls.length : 0) + 1
}

function hasCallEvents({ pieces, toolCalls }: Choice): boolean {
  return toolCalls.length > 1 || pieces.length > 0
}

function* interleavedEvents(
  choices: readonly Choice[],
  withStarts: boolean,
): Generator<ChoiceEvent, undefined> {
  if (withStarts) {
    for (let choice = 0; choice < choices.length; choice++) {
      yield { kind: 'start', choice, call: 0, token: 0, step: 0 }
    }
  }
  const [only] = choices
  if (choices.length === 1 && only) {
    yield* eventsAfterStart(only, 0)
    return
  }
  // Reads one event ahead for each choice. The events of a step are ordered by choice.
  const running = choices.map((choice, index) => {
    const events = eventsAfterStart(choice, index)
    return { events, next: events.next().value }
  })
  for (let step = 0, left = running.length; left > 0; step++) {
    left = 0
    for (const ahead of running) {
      while (ahead.next && ahead.next.step <= step) {
        yield ahead.next
        ahead.next = ahead.events.next().value
      }
      if (ahead.next) left++
    }
  }
}

function* eventsAfterStart(choice: Choice, index: number): Generator<ChoiceEvent, undefined> {
  const { pieces, toolCalls } = choice
  let step = 0
  for (let token = 0; token < pieces.length; token++) {
    yield { kind: 'token', choice: index, call: 0, token, step: step++ }
  }
  const withCallEvents = hasCallEvents(choice)
  for (let call = 0; call < toolCalls.length; call++) {
    if (withCallEvents) yield { kind: 'call', choice: index, call, token: 0, step }
    const tokens = toolCalls[call]?.pieces.length ?? 0
    for (let token = 0; token < tokens; token++) {
      yield { kind: 'argument', choice: index, call, token, step: step++ }
    }
  }
  yield { kind: 'finish', choice: index, call: 0, token: 0, step: Math.max(0, step - 1) }
}
