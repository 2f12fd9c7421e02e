import { isRecord } from '../../src/lib/record.ts'

type Members = Readonly<Record<string, unknown>>

/** What a model is asked, independent of the API. Written without the code that converts requests. */
export interface RequestSight {
  /** Messages, calls and results in their order. */
  readonly conversation: readonly unknown[]
  readonly parameters: Members
}

const listOf = (value: unknown): Members[] => (Array.isArray(value) ? (value as Members[]) : [])
const membersOf = (value: unknown): Members => (isRecord(value) ? value : {})

/** Numbers calls by their first mention, because calls in the older form have no ids. */
class CallNumbers {
  readonly #numbers = new Map<unknown, number>()
  readonly #named = new Map<unknown, number>()

  of(id: unknown): number {
    const known = this.#numbers.get(id) ?? this.#numbers.size + this.#named.size
    this.#numbers.set(id, known)
    return known
  }

  start(name: unknown): number {
    const number = this.#numbers.size + this.#named.size
    this.#named.set(name, number)
    return number
  }

  named(name: unknown): number | undefined {
    return this.#named.get(name)
  }
}

function partsOf(content: unknown): unknown[] {
  if (typeof content === 'string') return content === '' ? [] : [{ text: content }]
  return listOf(content).flatMap((part) => {
    const end = part['prompt_cache_breakpoint']
    const { type } = part
    const image = membersOf(part['image_url'])
    const file = type === 'file' ? membersOf(part['file']) : part
    const seen =
      type === 'refusal'
        ? { refusal: part['refusal'] }
        : type === 'image_url'
          ? { image: image['url'], detail: image['detail'] ?? null }
          : type === 'input_image'
            ? { image: part['image_url'], detail: part['detail'] ?? null }
            : type === 'file' || type === 'input_file'
              ? { file: [file['file_id'], file['file_data'], file['filename']].map((one) => one ?? null) }
              : { text: part['text'] }
    return [{ ...seen, ...(isRecord(end) && { end }) }]
  })
}

/** A message. An empty one of the assistant, which clients send before calls, says nothing. */
function said(role: unknown, parts: readonly unknown[]): unknown[] {
  return role === 'assistant' && parts.length === 0 ? [] : [{ role, parts }]
}

function toolOf(tool: Members): unknown {
  const { type } = tool
  const nested = membersOf(tool[type === 'custom' ? 'custom' : 'function'])
  const { name, description, parameters, strict, format } = 'name' in tool ? tool : nested
  if (type === 'custom') return { custom: name, description: description ?? null, format: formatOf(format) }
  return {
    function: name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? null,
  }
}

function formatOf(format: unknown): unknown {
  const { type = 'text', grammar, definition, syntax } = membersOf(format)
  return type === 'text' ? 'text' : (grammar ?? { definition, syntax })
}

function choiceOf(choice: unknown): unknown {
  if (!isRecord(choice)) return choice ?? 'auto'
  if (choice['type'] === 'allowed_tools') {
    const { mode, tools } = membersOf(choice['allowed_tools'] ?? choice)
    return { mode, tools: listOf(tools).map(choiceOf) }
  }
  const type = typeof choice['type'] === 'string' ? choice['type'] : 'function'
  return { [type]: choice['name'] ?? membersOf(choice[type])['name'] }
}

function answerFormat(format: unknown): unknown {
  const { type = 'text', json_schema: nested, ...flat } = membersOf(format)
  if (type !== 'json_schema') return type
  const { name, schema, description, strict } = membersOf(nested ?? flat)
  return {
    name,
    schema: schema ?? { type: 'object', properties: {} },
    description: description ?? null,
    strict: strict ?? null,
  }
}

/** Parameters with the same name in both APIs, with their defaults. */
const sameNames: readonly (readonly [name: string, value: unknown])[] = [
  ['temperature', null],
  ['top_p', null],
  ['presence_penalty', null],
  ['frequency_penalty', null],
  ['metadata', null],
  ['user', null],
  ['safety_identifier', null],
  ['prompt_cache_key', null],
  ['prompt_cache_retention', null],
  ['prompt_cache_options', null],
  ['service_tier', null],
  ['moderation', null],
  ['stream', false],
]

function sameOf(body: Members): Members {
  return Object.fromEntries(sameNames.map(([name, value]) => [name, body[name] ?? value]))
}

/** The parts of a chat completions request. */
export function chatSight(body: Members): RequestSight {
  const calls = new CallNumbers()
  const conversation = listOf(body['messages']).flatMap((message): unknown[] => {
    const { role, content, refusal, tool_calls: toolCalls, function_call: functionCall } = message
    if (role === 'tool') return [{ result: calls.of(message['tool_call_id']), parts: partsOf(content) }]
    if (role === 'function') return [{ result: calls.named(message['name']), parts: partsOf(content) }]
    const parts = [...partsOf(content), ...(typeof refusal === 'string' ? [{ refusal }] : [])]
    const called = listOf(toolCalls).map((call) => {
      const { name, arguments: input, input: text } = membersOf(call['function'] ?? call['custom'])
      return { call: calls.of(call['id']), name, input: input ?? text }
    })
    const { name, arguments: input } = membersOf(functionCall)
    const older = isRecord(functionCall) ? [{ call: calls.start(name), name, input }] : []
    return said(role, parts).concat(called, older)
  })
  const functions = listOf(body['functions']).map((definition) =>
    toolOf({ type: 'function', function: definition }),
  )
  const choice = body['tool_choice'] ?? body['function_call']
  const isOlder = functions.length > 0 && body['tools'] === undefined
  const logprobs = body['logprobs'] === true
  return {
    conversation,
    parameters: {
      ...sameOf(body),
      tools: [...listOf(body['tools']).map(toolOf), ...functions],
      choice: choiceOf(isRecord(choice) && !('type' in choice) ? { type: 'function', ...choice } : choice),
      parallel: isOlder ? false : (body['parallel_tool_calls'] ?? null),
      format: answerFormat(body['response_format']),
      verbosity: body['verbosity'] ?? null,
      effort: body['reasoning_effort'] ?? null,
      limit: body['max_completion_tokens'] ?? body['max_tokens'] ?? null,
      logprobs: logprobs ? (body['top_logprobs'] ?? 0) : null,
      obfuscation: membersOf(body['stream_options'])['include_obfuscation'] ?? null,
      store: body['store'] ?? null,
    },
  }
}

/** The parts of a Responses request. */
export function responsesSight(body: Members): RequestSight {
  const calls = new CallNumbers()
  const { input, instructions } = body
  const items: Members[] = typeof input === 'string' ? [{ role: 'user', content: input }] : listOf(input)
  const conversation = items.flatMap((item): unknown[] => {
    const { type = 'message', role, call_id: id, name } = item
    if (type === 'reasoning') return []
    if (type === 'message') return said(role, partsOf(item['content']))
    return String(type).endsWith('_output')
      ? [{ result: calls.of(id), parts: partsOf(item['output']) }]
      : [{ call: calls.of(id), name, input: item['arguments'] ?? item['input'] }]
  })
  const text = membersOf(body['text'])
  const logprobs =
    listOf(body['include']).includes('message.output_text.logprobs' as never) || body['top_logprobs']
  const tools = listOf(body['tools']).map(toolOf)
  return {
    conversation: instructions
      ? [{ role: 'system', parts: [{ text: instructions }] }, ...conversation]
      : conversation,
    parameters: {
      ...sameOf(body),
      tools,
      choice: choiceOf(body['tool_choice']),
      parallel: body['parallel_tool_calls'] ?? null,
      format: answerFormat(text['format']),
      verbosity: text['verbosity'] ?? null,
      effort: membersOf(body['reasoning'])['effort'] ?? null,
      limit: body['max_output_tokens'] ?? null,
      logprobs: logprobs ? (body['top_logprobs'] ?? 0) : null,
      obfuscation: membersOf(body['stream_options'])['include_obfuscation'] ?? null,
      store: body['store'] ?? null,
    },
  }
}

/**
 * Fills in what each API assumes without a value, so that requests of both can be compared. Chat completions has no strict function or
 * schema by default, and stores nothing.
 */
export function chatDefaults(sight: RequestSight): RequestSight {
  return withDefaults(sight, false, false)
}

/** The Responses API has strict schemas by default, and functions are strict where their schema allows it: `isStrict`. */
export function responsesDefaults(
  sight: RequestSight,
  isStrict: (parameters: unknown) => boolean,
): RequestSight {
  return withDefaults(sight, true, null, isStrict)
}

function withDefaults(
  { conversation, parameters }: RequestSight,
  strict: boolean,
  store: boolean | null,
  isStrict: (parameters: unknown) => boolean = () => strict,
): RequestSight {
  const { tools, format, choice, parallel } = parameters
  const hasTools = listOf(tools).length > 0
  return {
    conversation,
    parameters: {
      ...parameters,
      tools: listOf(tools).map((tool) =>
        'function' in tool
          ? Object.assign({}, tool, { strict: tool['strict'] ?? isStrict(tool['parameters']) })
          : tool,
      ),
      choice: hasTools || choice !== 'none' ? choice : 'auto',
      parallel: hasTools ? parallel : null,
      format: isRecord(format) ? { ...format, strict: format['strict'] ?? strict } : format,
      store: parameters['store'] ?? store,
    },
  }
}
