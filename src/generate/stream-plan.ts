import type { Completion } from './completion.ts'

/** One event of a streamed completion: the start of a choice, one of its tokens, or its end. */
export interface ChoiceEvent {
  readonly kind: 'start' | 'token' | 'finish'
  readonly choice: number
  /** Which token of the choice; for `finish` the number of its tokens, for `start` 0. */
  readonly token: number
}

/**
 * The order of the events of a completion: every choice starts, then the choices take turns token by token, and each
 * ends right after its last token.
 */
export function planChoiceEvents(completion: Completion): ChoiceEvent[] {
  const events: ChoiceEvent[] = completion.choices.map((_, choice) => ({ kind: 'start', choice, token: 0 }))
  const longest = Math.max(...completion.choices.map((choice) => choice.pieces.length))
  for (let token = 0; token <= longest; token++) {
    completion.choices.forEach(({ pieces }, choice) => {
      if (token < pieces.length) events.push({ kind: 'token', choice, token })
      if (token === pieces.length) events.push({ kind: 'finish', choice, token })
    })
  }
  return events
}

/** The step of the schedule at which an event is due: a token's own number; an end comes with the token before it. */
export function stepOfChoiceEvent(event: ChoiceEvent): number {
  return event.kind === 'finish' ? Math.max(0, event.token - 1) : event.token
}
