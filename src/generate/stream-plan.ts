import type { Choice, Completion } from './completion.ts'

/** One event of a streamed completion: the start of a choice, a token of its text, a call, a token of its arguments, or its end. */
export interface ChoiceEvent {
  readonly kind: 'start' | 'token' | 'call' | 'argument' | 'finish'
  readonly choice: number
  /** Which of the choice's calls; 0 where it is about none. */
  readonly call: number
  /** Which piece of the choice's text, or of the call's arguments; 0 where it is about none. */
  readonly token: number
  /** The step of the schedule at which the event is due: its token's number, counted through text and calls. */
  readonly step: number
}

/**
 * The order of the events of a completion: every choice starts, then the choices take turns token by token, and each
 * ends right after its last token. A call that is the only one needs no event of its own: the start of the choice
 * carries it.
 */
export function planChoiceEvents({ choices }: Completion): ChoiceEvent[] {
  const events: ChoiceEvent[] = choices.map((_, choice) => ({
    kind: 'start',
    choice,
    call: 0,
    token: 0,
    step: 0,
  }))
  const [only] = choices
  if (choices.length === 1 && only) pushEvents(events, only, 0)
  else for (const event of inTurns(choices)) events.push(event)
  return events
}

/** The step at which an event is due. */
export function stepOfChoiceEvent(event: ChoiceEvent): number {
  return event.step
}

function pushEvents(events: ChoiceEvent[], { pieces, toolCalls }: Choice, choice: number): void {
  let step = 0
  for (let token = 0; token < pieces.length; token++) {
    events.push({ kind: 'token', choice, call: 0, token, step: step++ })
  }
  toolCalls.forEach((toolCall, call) => {
    if (toolCalls.length > 1 || pieces.length > 0) events.push({ kind: 'call', choice, call, token: 0, step })
    for (let token = 0; token < toolCall.pieces.length; token++) {
      events.push({ kind: 'argument', choice, call, token, step: step++ })
    }
  })
  events.push({ kind: 'finish', choice, call: 0, token: 0, step: Math.max(0, step - 1) })
}

/** The events of all choices by their steps; within a step, choice after choice. */
function inTurns(choices: readonly Choice[]): ChoiceEvent[] {
  const byStep: ChoiceEvent[][] = []
  choices.forEach((choice, index) => {
    const events: ChoiceEvent[] = []
    pushEvents(events, choice, index)
    for (const event of events) (byStep[event.step] ??= []).push(event)
  })
  return byStep.flat()
}
