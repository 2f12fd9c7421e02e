import { createHash } from 'node:crypto'
import type { Model } from './models/models.ts'

/** Versions of the form of answers and headers, named by the month from which captures show them. */
export const wireProfileNames = ['2026-04', '2026-06', '2026-07', '2026-08', '2026-09'] as const

/** Version of the form of answers and headers. */
export type WireProfileName = (typeof wireProfileNames)[number]

/** The models with a member in their answers: all, none, or a gpt version and later. */
type Family = 'all' | 'none' | `gpt-${number}`

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
}

/** Times in `latency_checkpoint`: with or without `total_duration_ms`. */
export type LatencyCheckpoint = 'with-total' | 'without-total'

/**
 * The forms. Sources: captured answers of 2026-04-29 (gpt-5.2-chat), 2026-06-03 (gpt-5.2), 2026-07-27 (gpt-5.4, 5.5, 5.6-sol), 2026-08-01
 * (gpt-5.4-mini), 2026-08-19 (gpt-5-nano, 5.6-luna), 2026-09-01 (gpt-4.1-mini), and 2026-10-05 (gpt-5.4 to 6.1-sol).
 */
const profiles: Readonly<Record<WireProfileName, WireProfile>> = {
  '2026-04': {
    chatServiceTier: 'gpt-5.2',
    chatRouting: 'none',
    chatCheckpoint: undefined,
    chatCacheWrite: 'none',
  },
  '2026-06': {
    chatServiceTier: 'all',
    chatRouting: 'none',
    chatCheckpoint: 'with-total',
    chatCacheWrite: 'none',
  },
  '2026-07': {
    chatServiceTier: 'all',
    chatRouting: 'none',
    chatCheckpoint: 'with-total',
    chatCacheWrite: 'none',
  },
  '2026-08': {
    chatServiceTier: 'all',
    chatRouting: 'none',
    chatCheckpoint: 'with-total',
    chatCacheWrite: 'gpt-5.6',
  },
  '2026-09': {
    chatServiceTier: 'all',
    chatRouting: 'all',
    chatCheckpoint: 'without-total',
    chatCacheWrite: 'gpt-5.6',
  },
}

/** The form of the answers of one model at a time. */
export interface WireForm {
  readonly chat: ChatForm
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
  return {
    chat: {
      hasServiceTier: has(profile.chatServiceTier),
      routing: has(profile.chatRouting) ? routingJson(model) : undefined,
      checkpoint: profile.chatCheckpoint,
      hasCacheWriteTokens: has(profile.chatCacheWrite),
    },
  }
}

function isOf({ name }: Model, family: Family): boolean {
  if (family === 'all' || family === 'none') return family === 'all'
  return gptVersion(name) >= gptVersion(family)
}

/** The version in the name of a gpt model as a number: 5.2 for `gpt-5.2-chat`, 4 for `gpt-4o`, 3.5 for `gpt-35-turbo`; else 0. */
function gptVersion(name: string): number {
  const version = /^gpt-(\d+(?:\.\d+)?)/.exec(name)?.[1]
  return version === undefined ? 0 : version === '35' ? 3.5 : Number(version)
}

/** The replica that answers: the same for all requests, in the captured form. */
function routingJson(model: Model): string {
  const digest = createHash('sha256').update(model.name).digest('hex')
  const pool = isOf(model, 'gpt-5.6') ? 'prefill' : 'default'
  return `{"serving_pipereplica":"d20260919103649-${digest.slice(0, 8)}-${pool}-r1-dp0-${pool}"}`
}
