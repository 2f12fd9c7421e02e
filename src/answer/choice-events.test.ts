import { describe, expect, it } from 'vitest'
import type { Choice, ToolCall } from './completion.ts'
import { ChoiceEvents, type ChoiceEvent } from './choice-events.ts'

const choice = (pieces: string[], toolCalls: ToolCall[] = []): Choice => ({
  pieces,
  toolCalls,
  finishReason: 'stop',
  reasoningTokens: 0,
  overheadTokens: 1,
})
const call = (...pieces: string[]): ToolCall => ({ id: 'call_1', kind: 'function', name: 'f', pieces })
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 1, reasoningTokens: 0 }
const plan = (...choices: Choice[]): string[] => {
  const events = new ChoiceEvents({ choices, usage })
  return Array.from({ length: events.length }, (_, index) => shown(events.at(index)))
}
const shown = (event: ChoiceEvent | undefined): string =>
  event ? `${event.kind} ${event.choice}.${event.call}.${event.token} @${event.step}` : 'nothing'

describe('ChoiceEvents', () => {
  it('starts all choices, interleaves their tokens, and ends each after its last token', () => {
    expect(plan(choice(['a', 'b']), choice(['c']))).toEqual([
      'start 0.0.0 @0',
      'start 1.0.0 @0',
      'token 0.0.0 @0',
      'token 1.0.0 @0',
      'finish 1.0.0 @0',
      'token 0.0.1 @1',
      'finish 0.0.0 @1',
    ])
  })

  it('includes a single call in the start', () => {
    expect(plan(choice([], [call('{', '}')]))).toEqual([
      'start 0.0.0 @0',
      'argument 0.0.0 @0',
      'argument 0.0.1 @1',
      'finish 0.0.0 @1',
    ])
  })

  it('completes each of several calls before the next', () => {
    expect(plan(choice([], [call('{', '}'), call('{}')]))).toEqual([
      'start 0.0.0 @0',
      'call 0.0.0 @0',
      'argument 0.0.0 @0',
      'argument 0.0.1 @1',
      'call 0.1.0 @2',
      'argument 0.1.0 @2',
      'finish 0.0.0 @2',
    ])
  })

  it('has a start and an end for an empty answer', () => {
    expect(plan(choice([]))).toEqual(['start 0.0.0 @0', 'finish 0.0.0 @0'])
  })

  it('can be read again, and returns undefined after the last event', () => {
    const events = new ChoiceEvents({ choices: [choice(['a', 'b']), choice(['c'])], usage })
    expect(shown(events.at(events.length - 1))).toBe('finish 0.0.0 @1')
    expect(shown(events.at(0))).toBe('start 0.0.0 @0')
    expect(events.at(events.length)).toBeUndefined()
  })

  it('omits starts with withStarts: false', () => {
    const events = new ChoiceEvents({ choices: [choice(['a'])], usage }, { withStarts: false })
    expect(events.length).toBe(2)
    expect(shown(events.at(0))).toBe('token 0.0.0 @0')
  })
})
