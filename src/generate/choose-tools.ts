import type { ResourceConfig } from '../config/config.ts'
import type { Random } from '../lib/random.ts'
import { modelError, type ServiceError } from '../wire/errors.ts'
import { callsOf, type ChatMessage } from '../wire/chat/chat-request.ts'
import type { CompletionTask, ToolDefinition } from './completion-task.ts'

/** Share of answers with two calls, if several tools can be called in parallel. */
const SHARE_OF_TWO_CALLS = 0.2
/** Share of answers with three calls. */
const SHARE_OF_THREE_CALLS = 0.05

/** The tool calls since the last message of the user. */
export interface ToolHistory {
  /** Answers with calls. */
  readonly rounds: number
  /** Names of the called tools. */
  readonly called: readonly string[]
}

/** No call since the last message of the user. */
export const noCalls: ToolHistory = { rounds: 0, called: [] }

/** Reads the calls since the last message of the user. */
export function chatToolHistory(messages: readonly ChatMessage[]): ToolHistory {
  const start = messages.findLastIndex(({ role }) => role === 'user') + 1
  let rounds = 0
  const called: string[] = []
  for (const message of messages.slice(start)) {
    const { tool_calls: calls, function_call: call } = callsOf(message)
    if ((calls?.length ?? 0) === 0 && !call) continue
    rounds++
    for (const it of calls ?? []) called.push(it.type === 'custom' ? it.custom.name : it.function.name)
    if (call) called.push(call.name)
  }
  // The older form accepts a result without its call.
  const last = messages.at(-1)?.role
  return rounds === 0 && (last === 'tool' || last === 'function') ? { rounds: 1, called } : { rounds, called }
}

const noTools: readonly ToolDefinition[] = []

/** Draws the tools that an answer calls, in order. Returns none for an answer with text. */
export function chooseTools(
  task: CompletionTask,
  random: Random,
  config: ResourceConfig,
): readonly ToolDefinition[] {
  if (task.tools.length === 0) return noTools
  const callable = callableTools(task)
  if (callable.length === 0 || !callsTools(task, random, config)) return noTools
  const wanted = task.forced?.toolCalls
  if (typeof wanted === 'object') {
    const named = wanted.flatMap((name) => callable.find((tool) => tool.name === name) ?? [])
    return task.parallelToolCalls ? named : named.slice(0, 1)
  }
  return drawTools(callable, task.history.called, countCalls(task, callable, random, config), random)
}

/** Whether this answer calls tools. */
function callsTools(task: CompletionTask, random: Random, config: ResourceConfig): boolean {
  const { toolChoice, history, forced } = task
  if (toolChoice.kind !== 'auto') return toolChoice.kind !== 'none'
  if (forced?.toolCalls === 0 || history.rounds >= (forced?.toolRounds ?? config.toolCallRounds)) return false
  const isCertain = forced?.toolCalls !== undefined || forced?.toolRounds !== undefined
  return history.rounds > 0 || isCertain || random.unit() < config.toolCallProbability
}

function countCalls(
  task: CompletionTask,
  callable: readonly ToolDefinition[],
  random: Random,
  { toolCallsPerAnswer }: ResourceConfig,
): number {
  if (!task.parallelToolCalls || forcedName(task) !== undefined) return 1
  const wanted = task.forced?.toolCalls
  if (typeof wanted === 'number' && wanted > 0) return wanted
  if (typeof toolCallsPerAnswer === 'number') return toolCallsPerAnswer
  if (toolCallsPerAnswer !== 'auto') return toolCallsPerAnswer[random.below(toolCallsPerAnswer.length)] ?? 1
  // The documentation of the service excludes parallel calls with structured outputs.
  if (callable.length === 1 || callable.some((tool) => tool.strict)) return 1
  const draw = random.unit()
  if (draw < SHARE_OF_THREE_CALLS) return 3
  return draw < SHARE_OF_THREE_CALLS + SHARE_OF_TWO_CALLS ? 2 : 1
}

/** Draws different tools as long as there are any, first those that the conversation has not called yet. */
function drawTools(
  callable: readonly ToolDefinition[],
  called: readonly string[],
  count: number,
  random: Random,
): readonly ToolDefinition[] {
  const drawn: ToolDefinition[] = []
  let left = callable.filter(({ name }) => !called.includes(name))
  while (drawn.length < count) {
    if (left.length === 0) left = [...callable]
    drawn.push(...left.splice(random.below(left.length), 1))
  }
  return drawn
}

function callableTools({ tools, toolChoice }: CompletionTask): readonly ToolDefinition[] {
  return toolChoice.kind === 'named' ? tools.filter(({ name }) => toolChoice.names.includes(name)) : tools
}

/** The one tool that the request names, or undefined. */
export function forcedName({ toolChoice }: CompletionTask): string | undefined {
  return toolChoice.kind === 'named' && toolChoice.names.length === 1 ? toolChoice.names[0] : undefined
}

/** Returns an error if a request header names tools that the answer cannot call. A request without tools ignores the header. */
export function refuseUnknownTools(task: CompletionTask): ServiceError | undefined {
  const wanted = task.forced?.toolCalls
  if (typeof wanted !== 'object' || task.tools.length === 0 || task.toolChoice.kind === 'none') {
    return undefined
  }
  const names = callableTools(task).map(({ name }) => name)
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown === undefined) return undefined
  const known = names.length === 0 ? 'It allows none.' : `It allows ${[...new Set(names)].join(', ')}.`
  const message = `Invalid header 'x-sim-tool-calls': the request does not allow a call of '${unknown}'. ${known}`
  return modelError(message, 'x-sim-tool-calls', 'invalid_value')
}
