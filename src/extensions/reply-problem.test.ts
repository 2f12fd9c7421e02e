import { describe, expect, it } from 'vitest'
import { textBody } from '../answer/body.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { replyProblem } from './reply-problem.ts'

const reply: Reply = { status: 200, headers: new HeaderList(['A', '1']), body: textBody('') }
const usage = { promptTokens: 1, cachedTokens: 0, completionTokens: 2, reasoningTokens: 0 }
const list = (raw: unknown): object => Object.assign(new HeaderList(), { raw })

describe('replyProblem', () => {
  it.each<[string, Partial<Reply>]>([
    ['whole', {}],
    [
      'with all that it may have',
      { reason: 'Fine', usage, steps: { hidden: 0, visible: 2 }, limitedBy: 'tokens' },
    ],
    [
      'with a time, even one that never comes',
      { schedule: { stepsMs: new Float64Array(2), endMs: Infinity } },
    ],
    ['of events', { body: { kind: 'events', count: 0, stepOf: () => 0, render: () => '' } }],
    ['live', { body: { kind: 'live', chunks: new ReadableStream() as AsyncIterable<Uint8Array> } }],
  ])('accepts a reply that is %s', (_, fields) => {
    expect(replyProblem({ ...reply, ...fields })).toBeUndefined()
  })

  it('accepts a reply of another copy of the package', () => {
    const methods = { get: () => undefined, set: () => undefined, setContentLength: () => undefined }
    expect(replyProblem({ ...reply, headers: { raw: [], ...methods } })).toBeUndefined()
  })

  it.each<[object, string]>([
    [{ status: '200' }, 'status must be an integer from 200 to 599 (got "200")'],
    [{ status: 200.5 }, 'status must be an integer'],
    [{ status: 600 }, 'status must be an integer'],
    [{ headers: { 'Content-Type': 'text/plain' } }, 'headers must be a HeaderList'],
    [{ headers: { raw: [] } }, 'headers must be a HeaderList'],
    [{ headers: list(['A']) }, 'headers must be a HeaderList'],
    [{ headers: list(['A', 1]) }, 'headers must be a HeaderList'],
    [{ headers: undefined }, 'headers must be a HeaderList'],
    [{ body: 'text' }, 'body must be one of the known kinds, such as textBody(\'...\') (got "text")'],
    [{ body: { kind: 'text' } }, 'kind of the reply\'s body must be whole, events or live (got "text")'],
    [{ body: { kind: 'whole' } }, "must have the function 'render'"],
    [{ body: { kind: 'events', count: -1 } }, "must have a 'count'"],
    [
      { body: { kind: 'events', count: 1, render: () => '' } },
      "must have the functions 'stepOf' and 'render'",
    ],
    [{ body: { kind: 'live', chunks: ['a'] } }, "must have 'chunks'"],
    [{ reason: 5 }, 'reason must be text'],
    [
      { usage: { ...usage, promptTokens: NaN } },
      'usage must have promptTokens, cachedTokens, completionTokens',
    ],
    [{ usage: { promptTokens: 1 } }, 'usage must have'],
    [{ steps: { hidden: 0 } }, 'steps must have hidden and visible'],
    [{ schedule: { stepsMs: [1], endMs: 1 } }, 'schedule must have stepsMs'],
    [{ schedule: { stepsMs: new Float64Array(), endMs: NaN } }, 'schedule must have stepsMs'],
    [{ limitedBy: 'money' }, 'limitedBy must be tokens, requests, capacity or absent (got "money")'],
  ])('rejects %o', (fields, problem) => {
    expect(replyProblem({ ...reply, ...fields })).toContain(problem)
  })

  it.each([[undefined], [null], [7], ['text'], [() => reply]])('rejects %o', (value) => {
    expect(replyProblem(value)).toContain('which is not a reply')
  })
})
