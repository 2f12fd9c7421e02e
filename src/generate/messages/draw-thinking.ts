import { lognormal, type Random } from '../../lib/random.ts'
import { claudeTraits } from '../../wire/models/claude-traits.ts'
import type { Model } from '../../wire/models/models.ts'
import { tokenRates } from '../../wire/messages/prompt-segments.ts'
import type { MessagesRequest } from '../../wire/messages/messages-request.ts'
import { drawLorem } from '../lorem.ts'

/** The thinking before an answer. */
export interface Thinking {
  /** Billed tokens. */
  readonly tokens: number
  /** The shown part, in pieces; empty if it is not shown. */
  readonly pieces: readonly string[]
  /** Encrypted thinking in base64; undefined without thinking. */
  readonly signature: string | undefined
  /** The limit cut the thinking, so no text follows. */
  readonly cut: boolean
}

/** Thinking of an answer without any. */
export const noThinking: Thinking = { tokens: 0, pieces: [], signature: undefined, cut: false }

/** Median tokens for a long prompt by effort, of models that decide themselves how much they think. Assumed. */
const medianByEffort: Readonly<Record<string, number>> = {
  low: 100,
  medium: 300,
  high: 900,
  xhigh: 2_000,
  max: 4_000,
}

/** Effort of requests without one (Anthropic, "Effort"). */
const DEFAULT_EFFORT = 'high'

/** Share of a budget that the median of answers uses. Assumed. */
const SHARE_OF_BUDGET = 0.3
const MAX_BUDGET_MEDIAN = 1_500

/** Prompts of fewer tokens need less thinking, down to a tenth: simple questions have 30 tokens in public bills of 2026. */
const FULL_PROMPT_TOKENS = 600
const LEAST_SHARE = 0.1

/** Share of answers without thinking to short prompts, of models that may omit it. */
const SHARE_WITHOUT = 0.3

const LOG_DEVIATION = 0.5

/** Longer thinking is summarized. */
const MAX_SHOWN_TOKENS = 400

/** Bytes of a signature: of the thinking it encrypts, and besides. */
const SIGNATURE_BYTES = 180
const SIGNATURE_BYTES_PER_TOKEN = 6
const MAX_SIGNED_TOKENS = 100

/**
 * Draws the thinking of an answer.
 *
 * @param promptTokens tokens of the prompt
 * @param limit maximum tokens of the answer with its thinking, at least 1
 */
export function drawThinking(
  request: MessagesRequest,
  model: Model,
  promptTokens: number,
  limit: number,
  random: Random,
): Thinking {
  const { thinking, output_config: output, tool_choice: choice } = request
  const { thinksByDefault, showsThinking } = claudeTraits(model)
  // A call that is required follows no thinking, which Anthropic refuses together with it.
  const isCallRequired = choice?.type === 'any' || choice?.type === 'tool'
  const type = thinking?.type ?? (thinksByDefault && !isCallRequired ? 'adaptive' : 'disabled')
  if (type === 'disabled' || (type === 'between_tools' && !continuesCalls(request))) return noThinking
  const share = Math.min(1, Math.max(LEAST_SHARE, promptTokens / FULL_PROMPT_TOKENS))
  const budget = thinking?.type === 'enabled' ? thinking.budget_tokens : undefined
  if (budget === undefined && random.unit() < SHARE_WITHOUT * (1 - share)) return noThinking
  const median =
    budget === undefined
      ? (medianByEffort[output?.effort ?? DEFAULT_EFFORT] ?? 0)
      : Math.min(MAX_BUDGET_MEDIAN, budget * SHARE_OF_BUDGET)
  const drawn = Math.max(1, Math.round(lognormal(median * share, LOG_DEVIATION, random)))
  const tokens = Math.min(drawn, budget ?? Infinity, limit)
  const display = thinking && 'display' in thinking ? thinking.display : undefined
  const isShown = display ? display === 'summarized' : showsThinking
  const shown = isShown ? Math.floor(Math.min(tokens, MAX_SHOWN_TOKENS) / tokenRates(model).factor) : 0
  return {
    tokens,
    pieces: drawLorem(random, Math.max(isShown ? 1 : 0, shown)).pieces,
    signature: drawSignature(tokens, random),
    cut: tokens >= limit,
  }
}

/** Whether the last message has results of calls. */
function continuesCalls({ messages }: MessagesRequest): boolean {
  const content = messages.at(-1)?.content
  return typeof content === 'object' && content.some(({ type }) => type === 'tool_result')
}

/** The service encrypts its thinking: a random text of the same size is as good for clients, which send it back unchanged. */
function drawSignature(tokens: number, random: Random): string {
  const size = SIGNATURE_BYTES + SIGNATURE_BYTES_PER_TOKEN * Math.min(tokens, MAX_SIGNED_TOKENS)
  const bytes = Buffer.alloc(size - (size % 3))
  for (let index = 0; index < bytes.length; index += 3) bytes.writeUIntBE(random.bits() >>> 8, index, 3)
  return bytes.toString('base64')
}
