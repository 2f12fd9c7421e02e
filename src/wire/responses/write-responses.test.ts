import { describe, expect, it } from 'vitest'
import type { AnswerEvent } from '../../answer/answer-events.ts'
import { createRandom } from '../../lib/random.ts'
import { ResponseIds } from './response-ids.ts'
import { ResponsesStreamWriter, writeResponse } from './write-responses.ts'
import { findModel } from '../models/model-catalogue.ts'

const options = () => ({
  request: { input: 'Hi', metadata: { a: 'b' } },
  deployment: 'mine',
  model: findModel('gpt-4o')!,
  ids: new ResponseIds(createRandom('ids')),
  createdMs: 1_000_000,
  nowMs: () => 2_000_000,
  noise: undefined,
})

interface Sent {
  readonly type: string
  readonly sequence_number: number
  readonly output_index?: number
  readonly delta?: string
  readonly response?: { readonly output: readonly object[]; readonly status: string }
}

const stream = (events: readonly AnswerEvent[]): Sent[] => {
  const writer = new ResponsesStreamWriter(options())
  const text = [...events.map((event) => writer.write(event)), writer.end()].join('')
  return text
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as Sent)
}

const text = (text: string) => ({ kind: 'text', choice: 0, text }) as const
const call = (number: number) =>
  ({ kind: 'call', choice: 0, call: number, tool: 'function', id: `call_${number}`, name: 'f' }) as const
const input = (number: number, text: string) =>
  ({ kind: 'arguments', choice: 0, call: number, text }) as const
const finish = { kind: 'finish', choice: 0, reason: 'tool_calls' } as const

describe('ResponsesStreamWriter', () => {
  it('writes text and calls, each item with first event, deltas and last event, all with a sequence number', () => {
    const sent = stream([text('Hi'), text('!'), call(0), input(0, '{}'), finish])
    expect(sent.map(({ type }) => type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ])
    expect(sent.map((event) => event.sequence_number)).toEqual(sent.map((_, index) => index))
    expect(sent.at(-1)?.response?.output).toMatchObject([
      { type: 'message', status: 'completed', content: [{ text: 'Hi!' }] },
      { type: 'function_call', status: 'completed', arguments: '{}', call_id: 'call_0' },
    ])
  })

  it('separates alternating calls', () => {
    const sent = stream([
      call(0),
      call(1),
      input(0, '{'),
      input(1, '['),
      input(0, '}'),
      input(1, ']'),
      finish,
    ])
    expect(sent.at(-1)?.response?.output).toMatchObject([{ arguments: '{}' }, { arguments: '[]' }])
    expect(sent.filter(({ delta }) => delta).map((event) => event.output_index)).toEqual([0, 1, 0, 1])
  })

  it('writes reasoning by paragraph in a separate item before the text', () => {
    const thought = (text: string, part = 0) => ({ kind: 'thought', choice: 0, text, part }) as const
    const sent = stream([thought('On'), thought('e'), thought('Two', 1), text('Hi')])
    expect(sent.at(-1)?.response?.output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'One' }, { text: 'Two' }] },
      { type: 'message', content: [{ text: 'Hi' }] },
    ])
  })

  it('starts a message for each new item id, and for a refusal after text', () => {
    const sent = stream([
      { ...text('a'), item: 'msg_1' },
      { ...text('b'), item: 'msg_2' },
      { kind: 'refusal', choice: 0, text: 'No' },
    ])
    expect(sent.at(-1)?.response?.output).toMatchObject([
      { id: 'msg_1', content: [{ text: 'a' }] },
      { id: 'msg_2', content: [{ text: 'b' }] },
      { content: [{ type: 'refusal', refusal: 'No' }] },
    ])
  })

  it.each([
    ['length', 'max_output_tokens'],
    ['content_filter', 'content_filter'],
  ] as const)(
    'ends with an incomplete response and item for the finish reason %s',
    (reason, incompleteReason) => {
      const last = stream([text('Hi'), { kind: 'finish', choice: 0, reason }]).at(-1)
      expect(last).toMatchObject({
        type: 'response.incomplete',
        response: {
          status: 'incomplete',
          incomplete_details: { reason: incompleteReason },
          output: [{ status: 'incomplete' }],
        },
      })
    },
  )

  it('ends with an error event, the output so far and the error if the answer fails', () => {
    const sent = stream([text('Hi'), { kind: 'error', error: { code: 'c', message: 'm' } }])
    expect(sent.map((event) => event.sequence_number)).toEqual(sent.map((_, index) => index))
    expect(sent.at(-2)).toMatchObject({ type: 'error', error: { code: 'c', message: 'm' } })
    expect(sent.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        error: { code: 'c', message: 'm' },
        output: [{ content: [{ text: 'Hi' }] }],
      },
    })
  })

  it.each([
    [
      { type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'q' } },
      ['web_search_call.in_progress', 'web_search_call.searching', 'web_search_call.completed'],
    ],
    [
      { type: 'code_interpreter_call', status: 'completed', code: '1', container_id: 'c', outputs: null },
      [
        'code_interpreter_call.in_progress',
        'code_interpreter_call_code.delta',
        'code_interpreter_call_code.done',
        'code_interpreter_call.interpreting',
        'code_interpreter_call.completed',
      ],
    ],
    [
      { type: 'mcp_call', arguments: '{}', error: 'x', name: 'f', output: null, server_label: 's' },
      ['mcp_call.in_progress', 'mcp_call_arguments.delta', 'mcp_call_arguments.done', 'mcp_call.failed'],
    ],
    [{ type: 'mcp_approval_request', arguments: '{}', name: 'f', server_label: 's' }, []],
  ])('writes the events of an item of a hosted tool, and keeps the item: %j', (item, events) => {
    const hosted = { id: 'x_1', ...item }
    const sent = stream([{ kind: 'item', choice: 0, item: hosted }, text('Hi')])
    const names = sent.map(({ type }) => type.replace('response.', ''))
    expect(names.slice(2, names.indexOf('output_item.added', 3))).toEqual([
      'output_item.added',
      ...events,
      'output_item.done',
    ])
    expect(sent.at(-1)?.response?.output[0]).toEqual(hosted)
  })

  it('writes the last results of the content filter once', () => {
    const filter = (of: 'prompt' | 'choice', found: string, offsets?: object) =>
      ({ kind: 'filter', of, index: 0, results: { hate: found }, ...(offsets && { offsets }) }) as const
    const events = [filter('prompt', 'safe'), filter('choice', 'a'), text('Hi'), filter('choice', 'b')]
    const parts = [filter('choice', 'c', { end_offset: 1 }), filter('choice', 'd', { end_offset: 2 })]
    expect(stream([...events, ...parts, finish]).at(-1)?.response).toMatchObject({
      content_filters: ['safe', 'b', 'c', 'd'].map((hate) => ({ content_filter_results: { hate } })),
    })
  })

  it('writes a citation of a web page in the form of the API', () => {
    const page = { url: 'https://a.test', title: 'A', start_index: 0, end_index: 2 }
    const citations = [
      { type: 'url_citation', url_citation: page },
      { type: 'file_citation', file_id: 'f' },
    ]
    const sent = stream([text('Hi'), { kind: 'annotations', choice: 0, annotations: citations }, finish])
    expect(sent.at(-1)?.response?.output).toMatchObject([
      { content: [{ annotations: [{ type: 'url_citation', ...page }, citations[1]] }] },
    ])
  })

  it('writes only one choice', () => {
    expect(stream([text('a'), { kind: 'text', choice: 1, text: 'b' }]).at(-1)?.response?.output).toHaveLength(
      1,
    )
  })
})

describe('writeResponse', () => {
  it('repeats the request, and omits usage and filter results that the service did not send', () => {
    expect(JSON.parse(writeResponse([text('Hi')], options()))).toMatchObject({
      id: expect.stringMatching(/^resp_/) as unknown,
      model: 'mine',
      created_at: 1_000,
      completed_at: 2_000,
      metadata: { a: 'b' },
      usage: null,
      content_filters: null,
      output: [{ content: [{ text: 'Hi' }] }],
    })
  })
})
