/** An answer as a client sees it: gathered from a body or a stream without the code that is tested. */
export type Sight = Readonly<Record<string, unknown>>

// oxlint-disable-next-line typescript/no-explicit-any -- a judge that is independent of the readers takes answers of any shape
type Json = any

/** The data of each event of a stream, whatever its line ends. */
export function framesOf(stream: string): string[] {
  return stream.split(/\r?\n\r?\n/).filter((frame) => frame.trim() !== '')
}

function dataOf(frame: string): Json {
  const data = frame
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trim())
    .join('\n')
  return data === '' || data === '[DONE]' ? undefined : JSON.parse(data)
}

/** An answer of one of the three APIs, whole or streamed. */
export type AnswerKind = `${'chat' | 'responses' | 'messages'}${'' | '-stream'}`

/** The kind of answer of a text. Undefined if it is not an answer. */
export function kindOf(text: string): AnswerKind | undefined {
  if (/^\s*(event|data|:)/.test(text)) {
    if (/"object":\s*"chat\.completion\.chunk"/.test(text)) return 'chat-stream'
    if (/"type":\s*"message_start"/.test(text)) return 'messages-stream'
    return /"type":\s*"response\.(created|completed)"/.test(text) ? 'responses-stream' : undefined
  }
  if (!/^\s*\{/.test(text)) return undefined
  let json: Json
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (json.object === 'chat.completion' && Array.isArray(json.choices)) return 'chat'
  // Items of the Responses API have the same type.
  if (json.type === 'message' && 'stop_reason' in json && Array.isArray(json.content)) return 'messages'
  const isResponse = json.object === 'response' && Array.isArray(json.output)
  // One in the background is no answer yet.
  return isResponse && json.status !== 'queued' ? 'responses' : undefined
}

/** What a client sees of an answer of this kind. */
export function sightOf(kind: AnswerKind, text: string): Sight {
  switch (kind) {
    case 'chat':
      return seenChat(JSON.parse(text))
    case 'chat-stream':
      return seenChat(joinChunks(framesOf(text).map(dataOf)))
    case 'responses':
      return seenResponse(JSON.parse(text))
    case 'messages':
      return seenMessage(JSON.parse(text))
    case 'messages-stream':
      return seenMessage(joinMessageEvents(framesOf(text).map(dataOf)))
    default:
      return seenResponse(joinEvents(framesOf(text).map(dataOf)))
  }
}

function seenChat(answer: Json): Sight {
  return {
    id: answer.id,
    created: answer.created,
    model: answer.model,
    fingerprint: answer.system_fingerprint,
    tier: answer.service_tier ?? undefined,
    promptFilters: (answer.prompt_filter_results ?? []).map(
      (filter: Json) => filter.content_filter_results ?? filter.content_filter_result,
    ),
    choices: answer.choices.map(seenChoice),
    usage: seenUsage(answer.usage),
  }
}

function seenChoice(choice: Json, position: number): Json {
  const { message = {} } = choice
  return {
    index: choice.index ?? position,
    finish: choice.finish_reason,
    role: message.role,
    text: message.content ?? null,
    refusal: message.refusal ?? null,
    thought: message.reasoning_content ?? message.reasoning ?? null,
    annotations: message.annotations ?? [],
    calls: (message.tool_calls ?? []).map(seenCall),
    functionCall: message.function_call ?? null,
    filter: choice.content_filter_results ?? {},
    logprobs: seenLogprobs(choice.logprobs),
  }
}

function seenCall({ id, type, function: called, custom }: Json): Json {
  return {
    id,
    type: type ?? 'function',
    name: (called ?? custom).name,
    input: called?.arguments ?? custom?.input,
  }
}

function seenLogprobs(logprobs: Json): Json {
  const content = logprobs?.content ?? []
  const refusal = logprobs?.refusal ?? []
  return content.length + refusal.length > 0 ? { content, refusal } : null
}

function seenUsage(usage: Json): Json {
  if (!usage) return null
  const ofPrompt = usage.prompt_tokens_details ?? usage.input_tokens_details
  const ofCompletion = usage.completion_tokens_details ?? usage.output_tokens_details
  return {
    prompt: usage.prompt_tokens ?? usage.input_tokens,
    completion: usage.completion_tokens ?? usage.output_tokens,
    total: usage.total_tokens,
    cached: ofPrompt?.cached_tokens ?? 0,
    promptAudio: ofPrompt?.audio_tokens ?? 0,
    reasoning: ofCompletion?.reasoning_tokens ?? 0,
    audio: ofCompletion?.audio_tokens ?? 0,
    accepted: ofCompletion?.accepted_prediction_tokens ?? 0,
    rejected: ofCompletion?.rejected_prediction_tokens ?? 0,
  }
}

/** Adds the chunks of a stream up to a whole answer, as clients do. */
function joinChunks(chunks: Json[]): Json {
  const answer: Json = { choices: [] }
  for (const chunk of chunks) {
    if (chunk === undefined) continue
    if (chunk.prompt_filter_results) answer.prompt_filter_results = chunk.prompt_filter_results
    if (chunk.usage) answer.usage = chunk.usage
    if (chunk.id && !answer.id) {
      for (const name of ['id', 'created', 'model', 'system_fingerprint', 'service_tier']) {
        answer[name] = chunk[name]
      }
    }
    for (const part of chunk.choices) joinChoice((answer.choices[part.index ?? 0] ??= newChoice(part)), part)
  }
  return answer
}

function newChoice({ index }: Json): Json {
  return { index: index ?? 0, message: { role: 'assistant', content: null }, finish_reason: null }
}

function joinChoice(choice: Json, part: Json): void {
  if (part.finish_reason) choice.finish_reason = part.finish_reason
  if (part.content_filter_results && Object.keys(part.content_filter_results).length > 0) {
    choice.content_filter_results = part.content_filter_results
  }
  if (part.logprobs) {
    choice.logprobs ??= { content: [], refusal: [] }
    choice.logprobs.content.push(...(part.logprobs.content ?? []))
    choice.logprobs.refusal.push(...(part.logprobs.refusal ?? []))
  }
  const { message } = choice
  const { delta = {} } = part
  for (const name of ['content', 'refusal', 'reasoning_content', 'reasoning']) {
    if (typeof delta[name] === 'string') message[name] = (message[name] ?? '') + delta[name]
  }
  if (delta.annotations) message.annotations = [...(message.annotations ?? []), ...delta.annotations]
  if (delta.function_call) {
    message.function_call ??= { name: '', arguments: '' }
    message.function_call.name += delta.function_call.name ?? ''
    message.function_call.arguments += delta.function_call.arguments ?? ''
  }
  for (const call of delta.tool_calls ?? []) {
    message.tool_calls ??= []
    const known = (message.tool_calls[call.index] ??= { id: call.id, type: call.type })
    for (const kind of ['function', 'custom']) {
      if (!call[kind]) continue
      known[kind] ??= {}
      for (const [name, value] of Object.entries(call[kind]))
        known[kind][name] = (known[kind][name] ?? '') + value
    }
  }
}

function seenResponse(response: Json): Sight {
  return {
    id: response.id,
    created: response.created_at,
    model: response.model,
    status: response.status,
    reason: response.incomplete_details?.reason ?? null,
    error: response.error ?? null,
    tier: response.service_tier,
    filters: (response.content_filters ?? []).map(seenFilter),
    output: response.output.map(seenItem),
    usage: seenUsage(response.usage),
  }
}

function seenFilter(filter: Json): Json {
  return { ...filter, content_filter_raw: [] }
}

/** Members that differ between services and say nothing are left out. */
function seenItem(item: Json): Json {
  if (item.type === 'reasoning') {
    const { id, summary, encrypted_content: encrypted = null } = item
    return { id, type: 'reasoning', summary, encrypted }
  }
  return item
}

/** The response that the last event has; its texts, however, are those of the deltas. */
function joinEvents(events: Json[]): Json {
  const texts = new Map<string, string>()
  let last: Json
  for (const event of events) {
    if (event === undefined) continue
    if (event.response) last = event.response
    const place = event.item_id === undefined ? undefined : `${event.item_id}/${event.summary_index ?? ''}`
    if (place !== undefined && typeof event.delta === 'string' && event.type.endsWith('.delta')) {
      texts.set(place, (texts.get(place) ?? '') + event.delta)
    }
  }
  const output = last.output.map((item: Json) => {
    const joined = texts.get(`${item.id}/`)
    if (item.type === 'reasoning') {
      const summary = item.summary.map((part: Json, index: number) => ({
        ...part,
        text: texts.get(`${item.id}/${index}`) ?? part.text,
      }))
      return { ...item, summary }
    }
    if (joined === undefined) return item
    if (item.type === 'function_call') return { ...item, arguments: joined }
    if (item.type === 'custom_tool_call') return { ...item, input: joined }
    if (item.type !== 'message') return item
    const [part] = item.content
    const member = part.type === 'refusal' ? { refusal: joined } : { text: joined }
    return { ...item, content: [{ ...part, ...member }] }
  })
  return { ...last, output }
}

/** Members with a default of null, and counts of 0, are in newer answers only. */
function seenMessage(message: Json): Sight {
  const { id, model, role, type, content, stop_reason: stop, usage } = message
  return {
    id,
    model,
    role,
    type,
    content: content.map(seenBlock),
    stop,
    sequence: message.stop_sequence ?? null,
    // A refusal has details in newer answers only.
    details: stop === 'refusal' ? undefined : (message.stop_details ?? null),
    usage: {
      input: usage.input_tokens,
      written: usage.cache_creation_input_tokens ?? 0,
      read: usage.cache_read_input_tokens ?? 0,
      output: usage.output_tokens,
      thinking: usage.output_tokens_details?.thinking_tokens ?? 0,
      tier: usage.service_tier ?? 'standard',
    },
  }
}

function seenBlock(block: Json): Json {
  const citations = block.citations?.length > 0 ? block.citations : undefined
  return { ...block, caller: undefined, citations }
}

/** Adds the events of a stream up to a whole message, as clients do. */
function joinMessageEvents(events: Json[]): Json {
  let message: Json
  const inputs: string[] = []
  for (const event of events) {
    const block = message?.content[event?.index]
    if (event?.type === 'message_start') message = structuredClone(event.message)
    else if (event?.type === 'content_block_start') message.content[event.index] = { ...event.content_block }
    else if (event?.type === 'content_block_delta') joinDelta(block, event.delta, inputs, event.index)
    else if (event?.type === 'content_block_stop' && inputs[event.index]) {
      block.input = JSON.parse(inputs[event.index] as string)
    } else if (event?.type === 'message_delta') {
      Object.assign(message, event.delta)
      Object.assign(message.usage, event.usage)
    }
  }
  return message
}

function joinDelta(block: Json, delta: Json, inputs: string[], index: number): void {
  if (delta.type === 'input_json_delta') inputs[index] = (inputs[index] ?? '') + delta.partial_json
  else if (delta.type === 'citations_delta') block.citations = [...(block.citations ?? []), delta.citation]
  else for (const name of ['text', 'thinking', 'signature']) if (delta[name]) block[name] += delta[name]
}
