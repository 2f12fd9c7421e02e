import type { ResourceConfig } from '../config/config.ts'
import { alphanumeric } from '../wire/ids.ts'
import type { Random } from '../lib/random.ts'
import type { Encoding } from '../tokens/encoding.ts'
import type { Choice, ToolCall } from '../answer/completion.ts'
import type { CompletionTask, ToolDefinition, TextFormat } from './completion-task.ts'
import { drawJson } from './json/draw-json.ts'
import { drawLorem } from './lorem.ts'

/** Of the answers that may hold several calls, this share holds two. */
const SHARE_OF_TWO_CALLS = 0.2
/** And this one three. */
const SHARE_OF_THREE_CALLS = 0.05

/**
 * Billed for one call besides its name and arguments: gpt-4o billed 14 for `get_weather` with
 * `{"location":"Shanghai"}`, which are 7 tokens, and gpt-4.1-mini 15 for 8 (May and July 2025).
 */
const SINGLE_CALL_TOKENS = 7

/**
 * Calls side by side are wrapped as one: gpt-4o-mini billed two at 51, of which 23 are names and arguments (November
 * 2024). As part of a prompt, three cost two more than two do.
 */
const PARALLEL_CALLS_TOKENS = 24
const TOKENS_PER_PARALLEL_CALL = 2

/** Longest input of a custom tool, in tokens; it is free text. */
const MAX_CUSTOM_INPUT = 24

/** Whether this answer is to call tools. */
export function shouldCallTools(task: CompletionTask, random: Random, config: ResourceConfig): boolean {
  if (task.tools.length === 0) return false
  switch (task.toolChoice.kind) {
    case 'none':
      return false
    case 'auto':
      return !task.afterToolResult && random.unit() < config.toolCallProbability
    default:
      return callableTools(task).length > 0
  }
}

/**
 * Draws the tools that an answer calls, with arguments that fit their schemas. A limit that is too small cuts the last
 * arguments, or leaves no call at all.
 *
 * @param room tokens that names, arguments and framing may take together
 */
export function drawToolCalls(
  task: CompletionTask,
  random: Random,
  encoding: Encoding,
  room: number,
): Pick<Choice, 'toolCalls' | 'finishReason' | 'overheadTokens'> {
  const tools = chooseTools(task, random)
  const spacing = tools.length > 1 ? 'spaced' : 'compact'
  const framing =
    tools.length > 1 ? PARALLEL_CALLS_TOKENS + tools.length * TOKENS_PER_PARALLEL_CALL : SINGLE_CALL_TOKENS

  const toolCalls: ToolCall[] = []
  let overheadTokens = framing
  let left = room - framing
  let cut = false
  for (const tool of tools) {
    const nameTokens = encoding.count(tool.name)
    if (cut || left <= nameTokens) {
      cut = true
      break
    }
    overheadTokens += nameTokens
    left -= nameTokens
    const whole = encoding.pieces(drawInput(tool, random, spacing))
    cut = whole.length > left
    const pieces = cut ? whole.slice(0, left) : whole
    left -= pieces.length
    toolCalls.push({ id: `call_${alphanumeric(random, 24)}`, kind: tool.kind, name: tool.name, pieces })
  }
  if (cut) return { toolCalls, finishReason: 'length', overheadTokens: overheadTokens + left }
  // Forced to one function, the service's models end as they end a text.
  const finishReason = forcedName(task) === undefined ? 'tool_calls' : 'stop'
  return { toolCalls, finishReason, overheadTokens }
}

function chooseTools(task: CompletionTask, random: Random): ToolDefinition[] {
  const callable = callableTools(task)
  const one = (): ToolDefinition[] => callable.slice(random.below(callable.length)).slice(0, 1)
  const chosen = one()
  // Structured outputs do not go with parallel calls, says the service's documentation.
  if (!task.parallelToolCalls || forcedName(task) !== undefined) return chosen
  const draw = random.unit()
  if (draw >= SHARE_OF_TWO_CALLS + SHARE_OF_THREE_CALLS || callable.some((tool) => tool.strict)) return chosen
  return draw < SHARE_OF_THREE_CALLS ? [...chosen, ...one(), ...one()] : [...chosen, ...one()]
}

function callableTools({ tools, toolChoice }: CompletionTask): readonly ToolDefinition[] {
  return toolChoice.kind === 'named' ? tools.filter(({ name }) => toolChoice.names.includes(name)) : tools
}

function forcedName({ toolChoice }: CompletionTask): string | undefined {
  return toolChoice.kind === 'named' && toolChoice.names.length === 1 ? toolChoice.names[0] : undefined
}

function drawInput(tool: ToolDefinition, random: Random, spacing: JsonSpacing): string {
  if (tool.kind === 'custom') return drawLorem(random, 1 + random.below(MAX_CUSTOM_INPUT)).text
  return writeJson(tool.parameters === undefined ? {} : drawJson(tool.parameters, random), spacing)
}

/** Members of an object that no schema describes. */
const MIN_MEMBERS = 2
const MAX_MEMBERS = 5

/** Longest text among them, in tokens. */
const MAX_TEXT_LENGTH = 8

/** How JSON is written: without any space, or with one after each comma and colon. */
export type JsonSpacing = 'compact' | 'spaced'

/** The forms of an answer that are JSON. */
export type JsonFormat = Exclude<TextFormat, { kind: 'text' }>

/** Draws an answer in JSON: a value that fits the schema, or else an object of some kind. */
export function drawJsonAnswer(format: JsonFormat, random: Random): string {
  return writeJson(format.kind === 'json-schema' ? drawJson(format.schema, random) : drawObject(random))
}

/**
 * Writes a value as a model does, in ASCII: what lies beyond is escaped, so that every token is whole text. `spaced` is
 * what the service's models write into calls that they make side by side.
 */
export function writeJson(value: unknown, spacing: JsonSpacing = 'compact'): string {
  const text = spacing === 'spaced' ? spacedJson(value) : JSON.stringify(value)
  return text.replace(/[\u0080-\uffff]/g, escapeUnit)
}

function drawObject(random: Random): object {
  const members = new Map<string, unknown>()
  const count = MIN_MEMBERS + random.below(MAX_MEMBERS - MIN_MEMBERS + 1)
  while (members.size < count) members.set(drawKey(random), drawMember(random))
  return Object.fromEntries(members)
}

/** The first word of a text is a capitalised one without punctuation. */
function drawKey(random: Random): string {
  return drawLorem(random, 1).text.toLowerCase()
}

function drawMember(random: Random): string | number | boolean {
  switch (random.below(4)) {
    case 0:
      return random.below(1_000)
    case 1:
      return random.below(2) === 1
    default:
      return drawLorem(random, 1 + random.below(MAX_TEXT_LENGTH)).text
  }
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${spacedJson(member)}`,
  )
  return `{${members.join(', ')}}`
}
