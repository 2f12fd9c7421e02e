import type { ApiForm, JsonMembers } from './conversion.ts'

type OtherForm = Exclude<ApiForm, 'chat'>

/**
 * Parameters that have another name in chat completions, longer paths first. The parameters of chat completions that a request can have
 * instead of the first one follow it.
 */
const chatNames: Readonly<Record<OtherForm, Readonly<Record<string, readonly string[]>>>> = {
  responses: {
    max_output_tokens: ['max_completion_tokens', 'max_tokens'],
    'reasoning.effort': ['reasoning_effort'],
    'text.format.name': ['response_format.json_schema.name'],
    'text.format.schema': ['response_format.json_schema.schema'],
    'text.format.strict': ['response_format.json_schema.strict'],
    'text.format': ['response_format'],
    'text.verbosity': ['verbosity'],
    top_logprobs: ['top_logprobs', 'logprobs'],
    include: ['logprobs'],
    input: ['messages'],
    instructions: ['messages'],
    tools: ['tools', 'functions'],
    tool_choice: ['tool_choice', 'function_call'],
  },
  messages: {
    max_tokens: ['max_completion_tokens', 'max_tokens'],
    stop_sequences: ['stop'],
    'output_config.format.schema': ['response_format.json_schema.schema'],
    'output_config.format': ['response_format'],
    'output_config.effort': ['reasoning_effort'],
    thinking: ['thinking', 'reasoning_effort'],
    'metadata.user_id': ['safety_identifier', 'user'],
    system: ['messages'],
    messages: ['messages'],
    tools: ['tools', 'functions'],
    tool_choice: ['tool_choice', 'function_call', 'parallel_tool_calls'],
  },
}

/** The parameters of chat completions that a parameter of a request becomes. */
export function chatNamesOf(name: string, from: OtherForm): readonly string[] {
  return chatNames[from][name] ?? []
}

/** An error with the name of a parameter. */
interface NamedError {
  readonly message: string
  readonly param?: string | null
}

/**
 * Returns an error of a converted request with the parameter as the caller named it. Anthropic Messages have the path only at the start
 * of the message: `max_tokens: 90000 > 64000`.
 *
 * @param body the request of the caller
 * @param from API of the error
 * @param to API of the caller
 */
export function withCallersName<E extends NamedError>(
  error: E,
  body: JsonMembers,
  from: ApiForm,
  to: ApiForm,
): E {
  const { message } = error
  const path =
    error.param ?? (from === 'messages' ? /^[a-z_]+(?:\.\w+)*(?=: )/.exec(message)?.[0] : undefined)
  if (path === undefined || from === to) return error
  const name = callersName(path, body, from, to)
  if (name === undefined) return error
  const start = error.param === undefined || error.param === null ? path : undefined
  const renamed =
    start === undefined
      ? message.replaceAll(/(['"`])([^'"`]+)\1/g, (quoted, mark: string, text: string) =>
          text === path ? `${mark}${name}${mark}` : quoted,
        )
      : name + message.slice(start.length)
  return { ...error, message: renamed, param: name }
}

/** The name of a parameter in the request of the caller; undefined if it is the same, or not known. */
function callersName(path: string, body: JsonMembers, from: ApiForm, to: ApiForm): string | undefined {
  const inChat = from === 'chat' ? [path] : translated(path, pairs[from])
  const names = to === 'chat' ? inChat : inChat.flatMap((name) => translated(name, backPairs[to]))
  const asked = names.find((name) => Object.hasOwn(body, rootOf(name))) ?? undefined
  return asked === path ? undefined : asked
}

type Pair = readonly [name: string, other: string]

const pairs = bothForms((form) =>
  Object.entries(chatNames[form]).flatMap(([name, names]) => names.map((chat): Pair => [name, chat])),
)
const backPairs = bothForms((form) => pairs[form].map(([name, chat]): Pair => [chat, name]))

function bothForms<T>(create: (form: OtherForm) => T): Readonly<Record<OtherForm, T>> {
  return { responses: create('responses'), messages: create('messages') }
}

/** The paths that a path can have in the other API. Those of messages have no indexes, since the other API has others. */
function translated(path: string, table: readonly Pair[]): readonly string[] {
  const isIn = ([name]: Pair): boolean =>
    path === name || (path.startsWith(name) && /^[.[]/.test(path.slice(name.length)))
  const length = Math.max(0, ...table.filter(isIn).map(([name]) => name.length))
  const found = table.filter((pair) => isIn(pair) && pair[0].length === length)
  if (found.length === 0) return [path]
  return found.map(([name, other]) =>
    plainNames.has(rootOf(other)) ? other : other + path.slice(name.length),
  )
}

/** Parameters with other members in the other API. */
const plainNames: ReadonlySet<string> = new Set([
  'messages',
  'input',
  'system',
  'instructions',
  'tools',
  'functions',
  'include',
  'logprobs',
  'reasoning_effort',
  'stop',
])

function rootOf(path: string): string {
  return path.split(/[.[]/)[0] ?? ''
}
