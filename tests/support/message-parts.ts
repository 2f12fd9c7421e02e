/** An event of a stream of Anthropic Messages. Its name is its type. */
export function messageEvent(data: { readonly type: string } & Readonly<Record<string, unknown>>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`
}

/** The events of a block of a stream. */
export function blockEvents(index: number, block: object, ...deltas: readonly object[]): string {
  return [
    messageEvent({ type: 'content_block_start', index, content_block: block }),
    ...deltas.map((delta) => messageEvent({ type: 'content_block_delta', index, delta })),
    messageEvent({ type: 'content_block_stop', index }),
  ].join('')
}

/** The first event of a stream. */
export function messageStart(usage: object = { input_tokens: 10, output_tokens: 1 }): string {
  const message = {
    model: 'claude-sonnet-5-5',
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  }
  return messageEvent({ type: 'message_start', message })
}

/** The last events of a stream. */
export function messageEnd(stop: object, usage: object = { output_tokens: 5 }): string {
  return messageEvent({ type: 'message_delta', delta: stop, usage }) + messageEvent({ type: 'message_stop' })
}

const thinking = { type: 'thinking', thinking: '', signature: '' }
const text = { type: 'text', text: '' }
const citation = {
  type: 'char_location',
  cited_text: 'The grass is green.',
  document_index: 0,
  document_title: null,
  start_char_index: 0,
  end_char_index: 20,
}

/** A stream with each kind of block. Its texts have characters of two to four bytes. */
export const everyBlockStream = [
  messageStart({
    input_tokens: 7,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 300,
    output_tokens: 1,
    service_tier: 'priority',
  }),
  messageEvent({ type: 'ping' }),
  blockEvents(
    0,
    thinking,
    { type: 'thinking_delta', thinking: 'Überlegen' },
    { type: 'thinking_delta', thinking: ' wir 🤔' },
    { type: 'signature_delta', signature: 'c2lnbg==' },
  ),
  blockEvents(1, { type: 'redacted_thinking', data: 'ZW5jcnlwdGVk' }),
  blockEvents(2, text, { type: 'text_delta', text: 'Laut dem Text ' }),
  blockEvents(
    3,
    text,
    { type: 'text_delta', text: 'ist Gras grün. 🌱' },
    { type: 'citations_delta', citation },
  ),
  blockEvents(
    4,
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
    { type: 'input_json_delta', partial_json: '{"query":' },
    { type: 'input_json_delta', partial_json: ' "Gras"}' },
  ),
  blockEvents(5, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
  blockEvents(
    6,
    { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
    { type: 'input_json_delta', partial_json: '' },
    { type: 'input_json_delta', partial_json: '{"city": "Kö' },
    { type: 'input_json_delta', partial_json: 'ln"}' },
  ),
  blockEvents(7, { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} }),
  messageEnd(
    { stop_reason: 'tool_use', stop_sequence: null },
    {
      input_tokens: 7,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 300,
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 12 },
    },
  ),
].join('')

/** The message of `everyBlockStream` that is not streamed. */
export const everyBlockMessage = {
  model: 'claude-sonnet-5-5',
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  content: [
    { type: 'thinking', thinking: 'Überlegen wir 🤔', signature: 'c2lnbg==' },
    { type: 'redacted_thinking', data: 'ZW5jcnlwdGVk' },
    { type: 'text', text: 'Laut dem Text ' },
    { type: 'text', text: 'ist Gras grün. 🌱', citations: [citation] },
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'Gras' } },
    { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] },
    {
      type: 'tool_use',
      id: 'toolu_1',
      name: 'get_weather',
      input: { city: 'Köln' },
      caller: { type: 'direct' },
    },
    { type: 'tool_use', id: 'toolu_2', name: 'now', input: {}, caller: { type: 'direct' } },
  ],
  container: null,
  stop_reason: 'tool_use',
  stop_sequence: null,
  stop_details: null,
  usage: {
    input_tokens: 7,
    cache_creation_input_tokens: 20,
    cache_read_input_tokens: 300,
    cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 0 },
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 12 },
    service_tier: 'priority',
    inference_geo: 'global',
  },
  diagnostics: null,
}
