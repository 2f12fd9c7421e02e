import { fieldsOf, isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import type { Conversion } from '../convert-parameters.ts'
import type { ClaudeTraits } from '../models/claude-traits.ts'
import { oneOf } from '../validation/checks.ts'
import { isSet } from '../validation/fault.ts'
import { messagesEfforts } from './messages-request.ts'

const effortCheck = oneOf('none', 'minimal', ...messagesEfforts)

/** The fewest tokens for thinking that Anthropic Messages accept. */
const MIN_BUDGET = 1_024

/**
 * Tokens for the thinking of models that think with a budget, by the effort. The way back (`convertThinking`) has the same effort for
 * `low`, `medium` and `high`. A budget is at most half of `max_tokens`, so that there is room for the answer.
 */
const budgetsOfEfforts: Readonly<Record<string, number>> = {
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_768,
  max: 32_768,
}

/** Models that are not in the catalogue are asked like those of the newest versions. */
const unknownModel: Pick<ClaudeTraits, 'thinking' | 'efforts' | 'showsThinking'> = {
  thinking: 'adaptive',
  showsThinking: true,
  efforts: messagesEfforts,
}

/** Converts `reasoning_effort` to `thinking` and `output_config.effort`, as the model has them. */
export function convertEffort(value: unknown, conversion: Conversion): JsonMembers {
  const name = 'reasoning_effort'
  conversion.expect(value, name, effortCheck)
  const asked = value as string
  const { thinking, efforts, showsThinking } = conversion.claude ?? unknownModel
  if (asked === 'none') {
    if (thinking === 'none') return {}
    if (thinking !== 'always') return { thinking: { type: 'disabled' } }
    conversion.leaveOut(name, 'the model always thinks. Use another effort')
    return {}
  }
  if (thinking === 'none') {
    conversion.leaveOut(name, 'the model does not think')
    return {}
  }
  const effort = nearestEffort(asked, efforts)
  return {
    thinking:
      thinking === 'budget'
        ? { type: 'enabled', budget_tokens: budgetsOfEfforts[asked] }
        : { type: 'adaptive', ...(!showsThinking && { display: 'summarized' }) },
    ...(effort !== undefined && { output_config: { effort } }),
  }
}

/** The effort, or the next lower one that the model has; undefined for a model without efforts. */
function nearestEffort(asked: string, efforts: readonly string[]): string | undefined {
  const highest = (messagesEfforts as readonly string[]).indexOf(asked)
  return (
    messagesEfforts.findLast((effort, index) => index <= highest && efforts.includes(effort)) ?? efforts[0]
  )
}

/**
 * Leaves out the thinking of `reasoning_effort` where Anthropic Messages refuse it: before a call that the model must make, if there is
 * no room for the smallest budget, and with a budget if the last answer with calls came back without its thinking. What the caller asked
 * for with `thinking` itself stays, except for the last case, which is refused.
 */
export function fitThinking(
  converted: Record<string, unknown>,
  asked: JsonMembers,
  conversion: Conversion,
): void {
  const isOwn = isSet(asked['thinking'])
  const thinking = fieldsOf(converted['thinking'])
  const { type: choice } = fieldsOf(converted['tool_choice'])
  const isForced = choice === 'any' || choice === 'tool'
  if (!isOwn && isForced) delete converted['thinking']
  if (thinking['type'] !== 'enabled') return
  if (isOwn) {
    if (lacksThinking(converted['messages'])) {
      const why =
        "with a budget, Anthropic Messages require the 'thinking_blocks' of the last message with 'tool_calls'. Send them back with the message"
      conversion.leaveOut('thinking', why)
      delete converted['thinking']
    }
    return
  }
  const room = converted['max_tokens'] as number
  if (room <= MIN_BUDGET || lacksThinking(converted['messages'])) delete converted['thinking']
  else if (!isForced) {
    const budget = Math.min(thinking['budget_tokens'] as number, Math.floor(room / 2))
    converted['thinking'] = { type: 'enabled', budget_tokens: Math.max(MIN_BUDGET, budget) }
  }
}

/** Leaves out the sampling parameters that the model refuses. Those of a model that is not in the catalogue are left to the upstream. */
export function fitSampling(converted: Record<string, unknown>, conversion: Conversion): void {
  if (conversion.claude === undefined) return
  const { sampling } = conversion.claude
  const { type } = fieldsOf(converted['thinking'])
  const thinks = type === 'enabled' || type === 'adaptive'
  const leaveOut = (name: string, why: string): void => {
    if (converted[name] === undefined) return
    conversion.leaveOut(name, why)
    delete converted[name]
  }
  if (sampling === 'default' || thinks) {
    const why =
      sampling === 'default' ? 'the model has only the default' : 'the model thinks only with the default'
    const { top_p: topP } = converted
    leaveOut('temperature', why)
    if (sampling === 'default' || (topP as number) < MIN_TOP_P) leaveOut('top_p', why)
    leaveOut('top_k', why)
  } else if (sampling === 'one' && converted['temperature'] !== undefined) {
    leaveOut('top_p', "the model accepts either 'temperature' or 'top_p'")
  }
}

/** The lowest `top_p` with thinking. */
const MIN_TOP_P = 0.95

/** Whether the last turn has results of calls, and the turn with the calls does not start with thinking. */
function lacksThinking(messages: unknown): boolean {
  const [turn, results] = (messages as readonly JsonMembers[]).slice(-2)
  if (!blocksOf(results).some(({ type }) => type === 'tool_result')) return false
  const { type } = blocksOf(turn)[0] ?? {}
  return type !== 'thinking' && type !== 'redacted_thinking'
}

function blocksOf(turn: JsonMembers | undefined): readonly JsonMembers[] {
  const content = turn?.['content']
  return Array.isArray(content) ? content.filter(isRecord) : []
}
