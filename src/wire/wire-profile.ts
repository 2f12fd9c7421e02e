import { createHash } from 'node:crypto'
import type { RemovedMembers } from './chat/older-chat.ts'
import type { Model } from './models/models.ts'

/** Versions of the form of answers and headers, named by the month from which captures show them. */
export const wireProfileNames = [
  '2023-09',
  '2024-04',
  '2025-08',
  '2026-04',
  '2026-06',
  '2026-07',
  '2026-08',
  '2026-09',
] as const

/** Version of the form of answers and headers. */
export type WireProfileName = (typeof wireProfileNames)[number]

/** The models with a member in their answers: all, none, a gpt version (`gpt-5.5`), or a version and later ones (`gpt-5.5+`). */
type Family = 'all' | 'none' | `gpt-${number}` | `gpt-${number}+`

/** Times in `latency_checkpoint`: with or without `total_duration_ms`. */
export type LatencyCheckpoint = 'with-total' | 'without-total'

/** Members that answers have at a time, each with the models for which captures show it. */
interface WireProfile {
  /** `service_tier` of chat, also if the request has none. */
  readonly chatServiceTier: Family
  /** `routing` of chat: after the filter results of the prompt, and in the last chunk of a stream. */
  readonly chatRouting: Family
  /** `latency_checkpoint` of chat: in the usage, and in the last chunk of a stream. */
  readonly chatCheckpoint: LatencyCheckpoint | undefined
  /** `prompt_tokens_details.cache_write_tokens` of chat. */
  readonly chatCacheWrite: Family
  /** `moderation` of responses. */
  readonly moderation: Family
  /** `reasoning.context` of responses. */
  readonly reasoningContext: Family
  /** Whether `reasoning.context` has a value if the request has none, on reasoning models. Otherwise it is null. */
  readonly reasoningContextDefault: boolean
  /** `reasoning.mode` of responses, on reasoning models. */
  readonly reasoningMode: Family
  /** `content` of reasoning items. */
  readonly reasoningContent: Family
  /** `prompt_cache_retention` of responses if the request has none: models with `in_memory`, and with `24h`. Others have null. */
  readonly cacheInMemory: Family
  readonly cacheDay: Family
  /** `tool_usage` of responses. */
  readonly toolUsage: Family
  /** `input_tokens_details.cache_write_tokens` of responses. */
  readonly responsesCacheWrite: Family
  /** `output_schema` of function tools in responses. */
  readonly outputSchema: Family
  /** `system_fingerprint` of chat. It is null on other models. */
  readonly chatFingerprint: Family
  /** Members of chat that answers do not have yet. Empty from 2026 on. */
  readonly chatRemoved: RemovedMembers
  /** Tokens that the end of a text is billed. */
  readonly endTokens: number
  /** Headers `azureai-fe-is-streaming`, and `x-ms-served-model` of answers. */
  readonly frontEndHeaders: boolean
  /** Headers `azureai-fe-offer-type`, and `x-ms-aoai-configured-data-retention-days` of responses. */
  readonly offerHeaders: boolean
}

/** Source: captured answers of gpt-5.2-chat, 2026-04-29. */
const april2026: WireProfile = {
  chatServiceTier: 'gpt-5.2+',
  chatRouting: 'none',
  chatCheckpoint: undefined,
  chatCacheWrite: 'none',
  moderation: 'none',
  reasoningContext: 'none',
  reasoningContextDefault: false,
  reasoningMode: 'none',
  reasoningContent: 'none',
  cacheInMemory: 'none',
  cacheDay: 'none',
  toolUsage: 'none',
  responsesCacheWrite: 'none',
  outputSchema: 'none',
  chatFingerprint: 'all',
  chatRemoved: [],
  endTokens: 1,
  frontEndHeaders: false,
  offerHeaders: false,
}

/** Sources: captured answers of gpt-4o-mini, gpt-5-nano and gpt-4.1-mini, July to October 2025. */
const august2025: WireProfile = {
  ...april2026,
  chatServiceTier: 'none',
  chatRemoved: [['obfuscation']],
}

/** Source: captured answers of gpt-35-turbo, 2024-04-25. */
const april2024: WireProfile = {
  ...august2025,
  chatFingerprint: 'gpt-4+',
  chatRemoved: [
    ...august2025.chatRemoved,
    ['choices', '*', 'message', 'annotations'],
    ['choices', '*', 'message', 'refusal'],
    ['choices', '*', 'delta', 'refusal'],
    ['choices', '*', 'content_filter_results', 'protected_material_code'],
    ['choices', '*', 'content_filter_results', 'protected_material_text'],
    ['prompt_filter_results', '*', 'content_filter_results', 'jailbreak'],
    ['usage', 'completion_tokens_details'],
    ['usage', 'prompt_tokens_details'],
  ],
}

/** Source: a captured answer of gpt-35-turbo, September 2023. */
const september2023: WireProfile = {
  ...april2024,
  chatRemoved: [...april2024.chatRemoved, ['choices', '*', 'logprobs'], ['system_fingerprint']],
}

/** Sources: captured answers of gpt-5.2, 2026-06-03, and of gpt-5-mini and o4-mini, June 2026. */
const june2026: WireProfile = {
  ...april2026,
  chatServiceTier: 'all',
  chatCheckpoint: 'with-total',
  moderation: 'all',
  reasoningContext: 'all',
  cacheInMemory: 'all',
  frontEndHeaders: true,
}

/** Source: captured answers of gpt-5.4, gpt-5.5 and gpt-5.6-sol, 2026-07-27. */
const july2026: WireProfile = {
  ...june2026,
  reasoningMode: 'all',
  reasoningContent: 'all',
  cacheDay: 'gpt-5.5',
}

/** Sources: captured answers of gpt-5-nano and gpt-5.6-luna, 2026-08-19, and of gpt-5.4-mini, 2026-08-01. */
const august2026: WireProfile = {
  ...july2026,
  chatCacheWrite: 'gpt-5.6+',
  reasoningContextDefault: true,
  cacheDay: 'gpt-5.5+',
  toolUsage: 'all',
  responsesCacheWrite: 'all',
  outputSchema: 'all',
  offerHeaders: true,
}

/** Sources: captured answers of gpt-4.1-mini, 2026-09-01, and of gpt-5.4, gpt-5.6, gpt-6-luna and gpt-6.1-sol, 2026-10-05. */
const september2026: WireProfile = {
  ...august2026,
  chatRouting: 'all',
  chatCheckpoint: 'without-total',
  endTokens: 0,
}

const profiles: Readonly<Record<WireProfileName, WireProfile>> = {
  '2023-09': september2023,
  '2024-04': april2024,
  '2025-08': august2025,
  '2026-04': april2026,
  '2026-06': june2026,
  '2026-07': july2026,
  '2026-08': august2026,
  '2026-09': september2026,
}

/** The form of the answers of one model at a time. */
export interface WireForm {
  readonly chat: ChatForm
  readonly responses: ResponsesForm
  readonly headers: HeaderForm
  readonly end: BilledEnd
}

/** Tokens that a text is billed in addition to its own if it ends by itself. */
export interface BilledEnd {
  /** The end of the text. */
  readonly end: number
  /** The frame around a text without reasoning. */
  readonly frame: number
}

/** The headers that depend on the profile. */
export interface HeaderForm {
  readonly hasFrontEnd: boolean
  readonly hasOffer: boolean
}

/** The form of chat completions. */
export interface ChatForm {
  /** Whether answers have `service_tier` if the request has none. */
  readonly hasServiceTier: boolean
  /** `routing` as JSON; undefined: not sent. */
  readonly routing: string | undefined
  /** Undefined: not sent. */
  readonly checkpoint: LatencyCheckpoint | undefined
  readonly hasCacheWriteTokens: boolean
  /** Whether `system_fingerprint` can have a value. */
  readonly hasFingerprint: boolean
  /** Members that answers do not have yet; undefined without any. */
  readonly removed: RemovedMembers | undefined
}

/** The form of responses. A stored response keeps it. */
export interface ResponsesForm {
  readonly hasModeration: boolean
  readonly hasReasoningContext: boolean
  /** Value of `reasoning.context` if the request has none. */
  readonly reasoningContext: 'current_turn' | 'all_turns' | null
  readonly hasReasoningMode: boolean
  readonly hasReasoningContent: boolean
  /** Value of `prompt_cache_retention` if the request has none. */
  readonly cacheRetention: 'in_memory' | '24h' | null
  readonly hasToolUsage: boolean
  readonly hasCacheWriteTokens: boolean
  readonly hasOutputSchema: boolean
}

const forms = new WeakMap<Model, Map<WireProfileName, WireForm>>()

/** Returns the form of the answers of a model, made once. */
export function wireFormOf(name: WireProfileName, model: Model): WireForm {
  let known = forms.get(model)
  if (!known) forms.set(model, (known = new Map()))
  let form = known.get(name)
  if (!form) known.set(name, (form = makeForm(profiles[name], model)))
  return form
}

function makeForm(profile: WireProfile, model: Model): WireForm {
  const has = (family: Family): boolean => isOf(model, family)
  const allTurns = has('gpt-5.6+') ? 'all_turns' : 'current_turn'
  return {
    chat: {
      hasServiceTier: has(profile.chatServiceTier),
      routing: has(profile.chatRouting) ? routingJson(model) : undefined,
      checkpoint: profile.chatCheckpoint,
      hasCacheWriteTokens: has(profile.chatCacheWrite),
      hasFingerprint: has(profile.chatFingerprint),
      removed: profile.chatRemoved.length > 0 ? profile.chatRemoved : undefined,
    },
    responses: {
      hasModeration: has(profile.moderation),
      hasReasoningContext: has(profile.reasoningContext),
      reasoningContext: profile.reasoningContextDefault && model.reasoning ? allTurns : null,
      hasReasoningMode: has(profile.reasoningMode) && model.reasoning,
      hasReasoningContent: has(profile.reasoningContent),
      cacheRetention: has(profile.cacheDay) ? '24h' : has(profile.cacheInMemory) ? 'in_memory' : null,
      hasToolUsage: has(profile.toolUsage),
      hasCacheWriteTokens: has(profile.responsesCacheWrite),
      hasOutputSchema: has(profile.outputSchema),
    },
    end: { end: profile.endTokens, frame: frameTokens.find(([models]) => models.test(model.name))?.[1] ?? 0 },
    headers: { hasFrontEnd: profile.frontEndHeaders, hasOffer: profile.offerHeaders },
  }
}

/**
 * Tokens that a text without reasoning is billed for its frame. With the end, captured answers have 4 (gpt-5.2, 5.4 and 5.6, June to
 * August 2026) and 3 (gpt-5.4 to 6.1, October 2026), and gpt-5.2-chat has 10. Older models have none.
 */
const frameTokens: readonly (readonly [models: RegExp, tokens: number])[] = [
  [/^gpt-5\.[2-9]-chat/, 9],
  [/^gpt-(5\.[2-9]|[6-9])/, 3],
]

function isOf({ name }: Model, family: Family): boolean {
  if (family === 'all' || family === 'none') return family === 'all'
  const version = gptVersion(name)
  return family.endsWith('+') ? version >= gptVersion(family) : version === gptVersion(family)
}

/** The version in the name of a gpt model as a number: 5.2 for `gpt-5.2-chat`, 4 for `gpt-4o`, 3.5 for `gpt-35-turbo`; else 0. */
function gptVersion(name: string): number {
  const version = /^gpt-(\d+(?:\.\d+)?)/.exec(name)?.[1]
  return version === undefined ? 0 : version === '35' ? 3.5 : Number(version)
}

/** The replica that answers: the same for all requests, in the captured form. */
function routingJson(model: Model): string {
  const digest = createHash('sha256').update(model.name).digest('hex')
  const pool = isOf(model, 'gpt-5.6+') ? 'prefill' : 'default'
  return `{"serving_pipereplica":"d20260919103649-${digest.slice(0, 8)}-${pool}-r1-dp0-${pool}"}`
}
