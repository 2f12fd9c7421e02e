import type { Model } from '../models/models.ts'

/** The overhead of a generation of models, in tokens. */
export interface PromptFamily {
  /** Start of the answer: 2 for reasoning models and the gpt-5 family, 3 for older models. */
  readonly priming: number
  /** Per request with tools, in addition to the text of the tools. */
  readonly toolsOverhead: number
  /** Per earlier message with tool calls, in addition to the calls. */
  readonly callOverhead: number
}

const plain: PromptFamily = { priming: 3, toolsOverhead: 0, callOverhead: 0 }
/** Models with the encoding of gpt-4 and gpt-35-turbo have an older format of calls (usage of gpt-3.5-turbo, 2024-07). */
const older: PromptFamily = { ...plain, callOverhead: -1 }
const oSeries: PromptFamily = { priming: 2, toolsOverhead: 0, callOverhead: 0 }
/**
 * The gpt-5 family uses channels ("harmony"), and the prompt describes them if there are tools. 85 and 6 are the differences
 * between captured usage of gpt-5-nano (2026-02) and the same requests to gpt-4o-mini.
 */
const channels: PromptFamily = { priming: 2, toolsOverhead: 85, callOverhead: 6 }

/**
 * Returns the family of a model. In captured usage, gpt-5, gpt-5-nano, gpt-5.2-chat and gpt-5.4 (2025-08 to 2026-07), o3-mini and
 * o4-mini (2026) have a priming of 2. All others have 3.
 */
export function promptFamily(model: Model): PromptFamily {
  if (model.name.startsWith('gpt-5')) return channels
  if (!model.reasoning) return model.encoding === 'cl100k_base' ? older : plain
  return /^o\d/.test(model.name) ? oSeries : channels
}
