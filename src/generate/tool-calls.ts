import { isRecord } from '../lib/record.ts'
import { alphanumeric } from '../wire/ids.ts'
import type { Random } from '../lib/random.ts'
import type { Encoding } from '../tokens/encoding.ts'
import type { Choice, HostedCall, ToolCall } from '../answer/completion.ts'
import type { ClientTool, CompletionTask, ToolDefinition, TextFormat } from './completion-task.ts'
import { forcedName } from './choose-tools.ts'
import { drawJson } from './json/draw-json.ts'
import { drawLorem } from './lorem.ts'

/**
 * Tokens billed for one call in addition to its name and arguments: gpt-4o billed 14 for `get_weather` with
 * `{"location":"Shanghai"}` (7 tokens), and gpt-4.1-mini billed 15 for 8 (May and July 2025).
 */
const SINGLE_CALL_TOKENS = 7

/**
 * Parallel calls share one wrapper: gpt-4o-mini billed 51 tokens for two calls with 23 tokens of names and arguments
 * (November 2024). As part of a prompt, three calls cost two tokens more than two calls.
 */
const PARALLEL_CALLS_TOKENS = 24
const TOKENS_PER_PARALLEL_CALL = 2

/** Maximum input of a custom tool, in tokens. The input is free text. */
const MAX_CUSTOM_INPUT = 24

/**
 * Draws calls of the given tools, with arguments that match their schemas. A limit that is too small cuts the last
 * arguments or omits the calls.
 *
 * @param room maximum tokens of names, arguments and framing together
 */
export function drawToolCalls(
  tools: readonly ClientTool[],
  task: CompletionTask,
  random: Random,
  encoding: Encoding,
  room: number,
): Pick<Choice, 'toolCalls' | 'finishReason' | 'overheadTokens'> {
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
  // If one function is forced, the models of the service finish with `stop`.
  const finishReason = forcedName(task) === undefined ? 'tool_calls' : 'stop'
  return { toolCalls, finishReason, overheadTokens }
}

/** The hosted calls of an answer. */
export interface HostedCalls {
  readonly calls: readonly HostedCall[]
  /** Billed tokens of the calls that are not visible. */
  readonly hiddenTokens: number
  /** All billed tokens of the calls. */
  readonly tokens: number
  /** The tools of the client that the answer calls afterwards. */
  readonly clientTools: readonly ClientTool[]
  /** The limit leaves no room for a call. */
  readonly cut: boolean
}

/**
 * Draws calls of the hosted tools among the given tools, after the approved calls. A call that exceeds the limit is
 * omitted and ends the answer. After a call that ends the answer, no other hosted call follows.
 *
 * @param room maximum tokens of the calls
 */
export function drawHostedCalls(
  tools: readonly ToolDefinition[],
  { hosted }: CompletionTask,
  random: Random,
  room: number,
): HostedCalls {
  const calls: HostedCall[] = []
  const clientTools: ClientTool[] = []
  let hiddenTokens = 0
  let tokens = 0
  let cut = false
  const add = (call: HostedCall): void => {
    const hidden = SINGLE_CALL_TOKENS + call.hiddenTokens
    cut ||= tokens + hidden + call.pieces.length >= room
    if (cut) return
    hiddenTokens += hidden
    tokens += hidden + call.pieces.length
    calls.push(call)
  }
  for (const call of hosted?.approved ?? []) add(call)
  let left = hosted?.max ?? 0
  for (const tool of tools) {
    if (tool.kind !== 'hosted') {
      clientTools.push(tool)
      continue
    }
    if (cut || left <= 0 || calls.at(-1)?.endsAnswer) continue
    left--
    const { loads = [], ...call } = tool.draw(random)
    add(call)
    if (!cut) clientTools.push(...loads)
  }
  return { calls, hiddenTokens, tokens, clientTools, cut }
}

function drawInput(tool: ClientTool, random: Random, spacing: JsonSpacing): string {
  if (tool.kind === 'custom') return drawLorem(random, 1 + random.below(MAX_CUSTOM_INPUT)).text
  const value = tool.parameters === undefined ? {} : drawJson(tool.parameters, random)
  // Arguments are an object even if a hook has changed the schema after its validation.
  return writeJson(isRecord(value) ? value : {}, spacing)
}

/** Number of members of an object without a schema. */
const MIN_MEMBERS = 2
const MAX_MEMBERS = 5

/** Maximum length of their texts, in tokens. */
const MAX_TEXT_LENGTH = 8

/** JSON without spaces, or with one space after each comma and colon. */
export type JsonSpacing = 'compact' | 'spaced'

/** The response formats that are JSON. */
export type JsonFormat = Exclude<TextFormat, { kind: 'text' }>

/** Draws a JSON answer: a value that matches the schema, or any object without a schema. */
export function drawJsonAnswer(format: JsonFormat, random: Random): string {
  return writeJson(format.kind === 'json-schema' ? drawJson(format.schema, random) : drawObject(random))
}

/**
 * Serializes a value as a model does. All characters outside ASCII are escaped, so that every token is complete text.
 * The models of the service write parallel calls with `spaced`.
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

/** The first word of a text is capitalized and has no punctuation. */
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
