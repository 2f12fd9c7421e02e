import type { Model } from '../models/models.ts'

/** How a generation of models frames a conversation, in tokens that every request of it is billed. */
export interface PromptFamily {
  /** What opens the answer: 3 until 2024, 2 for models that think before they answer and for the gpt-5 family. */
  readonly priming: number
  /** What a request with tools pays beside the tools' own text. */
  readonly toolsOverhead: number
  /** What an earlier turn that called tools pays beside the plain form. */
  readonly callOverhead: number
}

const plain: PromptFamily = { priming: 3, toolsOverhead: 0, callOverhead: 0 }
/** The encoding of gpt-4 and gpt-35-turbo goes with an older form of calls (a bill of gpt-3.5-turbo, 2024-07). */
const older: PromptFamily = { ...plain, callOverhead: -1 }
const oSeries: PromptFamily = { priming: 2, toolsOverhead: 0, callOverhead: 0 }
/**
 * The gpt-5 family speaks in channels ("harmony"): with tools it is told of them at length. 85 and 6 are what captured
 * bills of gpt-5-nano (2026-02) have above the same requests to gpt-4o-mini.
 */
const channels: PromptFamily = { priming: 2, toolsOverhead: 85, callOverhead: 6 }

/**
 * The family of a model. Bills of gpt-5, gpt-5-nano, gpt-5.2-chat and gpt-5.4 (2025-08 to 2026-07), o3-mini and
 * o4-mini (2026) have a priming of 2, all others of 3.
 */
export function promptFamily(model: Model): PromptFamily {
  if (model.name.startsWith('gpt-5')) return channels
  if (!model.reasoning) return model.encoding === 'cl100k_base' ? older : plain
  return /^o\d/.test(model.name) ? oSeries : channels
}
