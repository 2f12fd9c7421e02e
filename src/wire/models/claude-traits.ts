import type { Model } from './models.ts'

/** How a Claude model thinks. */
export type ClaudeThinking =
  /** It does not: Claude 3.5 and earlier. */
  | 'none'
  /** With a budget: `thinking.type` is `enabled` or `disabled`. */
  | 'budget'
  /** Also as much as the prompt needs: `adaptive`. */
  | 'budget-or-adaptive'
  /** As much as the prompt needs, or not at all. */
  | 'adaptive'
  /** Always as much as the prompt needs. `disabled` is refused. */
  | 'always'

/** What a Claude model accepts and does, apart from its limits. */
export interface ClaudeTraits {
  readonly thinking: ClaudeThinking
  /** Whether it thinks if the request has no `thinking`. */
  readonly thinksByDefault: boolean
  /** Whether the thinking is shown if the request does not say so (`thinking.display`). */
  readonly showsThinking: boolean
  /** Values of `output_config.effort`, in order. Empty: the parameter is refused. */
  readonly efforts: readonly string[]
  /** Sampling parameters in version 2023-06-01: all, `temperature` or `top_p`, or only the defaults. */
  readonly sampling: 'all' | 'one' | 'default'
  /** Whether the conversation can end with the start of the answer. */
  readonly prefill: boolean
  /** Whether `tool_choice` can be `any` or `tool`. */
  readonly forcedTools: boolean
  /** Whether messages can have the role `system`. */
  readonly systemMessages: boolean
  /** Whether a limit of the context is a stop reason. Otherwise the request is refused. */
  readonly fillsContext: boolean
  /** Tokens of the shortest prompt that is cached. */
  readonly minCachedTokens: number
  /** The tokenizer: that of Claude 4.7 and later counts about 30 % more tokens. */
  readonly tokenizer: 'claude-4' | 'claude-4-7'
  /** Length of the longer side of an image in pixels, and its tokens, above which it is scaled down. */
  readonly image: { readonly side: number; readonly tokens: number }
}

/** Matches the names of models, and sets what differs from earlier rows. */
interface TraitsRow {
  readonly models: RegExp
  readonly traits: Partial<ClaudeTraits>
}

const lowToHigh = ['low', 'medium', 'high']
const lowToMax = [...lowToHigh, 'max']
const lowToXhigh = [...lowToHigh, 'xhigh', 'max']

const first: ClaudeTraits = {
  thinking: 'budget',
  thinksByDefault: false,
  showsThinking: true,
  efforts: [],
  sampling: 'one',
  prefill: true,
  forcedTools: true,
  systemMessages: false,
  fillsContext: true,
  minCachedTokens: 1_024,
  tokenizer: 'claude-4',
  image: { side: 1_568, tokens: 1_568 },
}

/**
 * Sources: Anthropic, "Adaptive thinking", "Effort", "Prompt caching", "Context windows", "Vision", "What's new in Claude" and "Migration
 * guide" of each model (2026-02 to 2026-11), and public reports of refusals. Rows apply in order.
 */
const rows: readonly TraitsRow[] = [
  { models: /^claude-(3-(?!7)|2|instant)/, traits: { thinking: 'none' } },
  { models: /^claude-opus-4-1/, traits: { fillsContext: false } },
  { models: /^claude-opus-4-5/, traits: { efforts: lowToHigh } },
  { models: /^claude-(opus-4-[56]|haiku-4-5)/, traits: { minCachedTokens: 4_096 } },
  {
    models: /^claude-(opus|sonnet)-4-6/,
    traits: { thinking: 'budget-or-adaptive', efforts: lowToMax, prefill: false },
  },
  {
    models: /^claude-opus-4-[78]|^claude-[a-z]+-([5-9]|\d\d)/,
    traits: {
      thinking: 'adaptive',
      showsThinking: false,
      efforts: lowToXhigh,
      sampling: 'default',
      prefill: false,
      tokenizer: 'claude-4-7',
      image: { side: 2_576, tokens: 4_784 },
    },
  },
  { models: /^claude-opus-4-7/, traits: { minCachedTokens: 2_048 } },
  { models: /^claude-opus-4-8|^claude-[a-z]+-([5-9]|\d\d)/, traits: { systemMessages: true } },
  { models: /^claude-[a-z]+-([5-9]|\d\d)/, traits: { thinksByDefault: true } },
  { models: /^claude-(opus|fable|mythos)-([5-9]|\d\d)|^claude-[a-z]+-5-5/, traits: { minCachedTokens: 512 } },
  { models: /^claude-opus-5-5|^claude-(fable|mythos)-/, traits: { thinking: 'always', forcedTools: false } },
]

const byName = new Map<string, ClaudeTraits>()

/** Returns what a Claude model accepts and does. A model that is not known has the traits of the one it resembles. */
export function claudeTraits({ name }: Model): ClaudeTraits {
  return traitsOf(name)
}

/**
 * Returns what the Claude model of an upstream accepts, also if the catalogue does not have it: a name with a version, such as
 * `anthropic.claude-3-5-haiku-20241022-v1:0`, indicates it. Without one, the model of the catalogue counts.
 */
export function indicatedClaudeTraits(name: string, model: Model): ClaudeTraits {
  const [versioned] = /claude-(?:[a-z]+-)?\d[a-z\d-]*/.exec(name.toLowerCase().replaceAll('.', '-')) ?? []
  return versioned === undefined ? claudeTraits(model) : traitsOf(versioned)
}

function traitsOf(name: string): ClaudeTraits {
  let traits = byName.get(name)
  if (!traits) {
    traits = Object.freeze(
      Object.assign(
        {},
        first,
        ...rows.flatMap((row) => (row.models.test(name) ? [row.traits] : [])),
      ) as ClaudeTraits,
    )
    byName.set(name, traits)
  }
  return traits
}

/** Returns whether a model is one of Anthropic. */
export function isClaude({ provider }: Model): boolean {
  return provider === 'anthropic'
}
