import type { Model } from '../models/models.ts'

/** What the prompts of a generation of models have in common. Numbers are tokens. */
export interface PromptFamily {
  /** Start of the answer: 2 for reasoning models and the gpt-5 family, 3 for older models. */
  readonly priming: number
  /** Whether the prompt lists tools in a TypeScript namespace, or below headings (gpt-5 family). */
  readonly toolListing: 'namespace' | 'headings'
  /** What the prompt says before the tools. */
  readonly toolsHeading: string
  /** Correction of the text that describes tools. */
  readonly toolsCorrection: number
  /** Where the prompt describes tools and formats: in the system message, or in a separate developer message. */
  readonly instructions: 'system' | 'own'
}

const TOOLS_HEADING = '# Tools\n\n'

/** Known from prompts that models repeat. Its 78 tokens match the bills. */
const NAMESPACES_HEADING =
  '# Tools\n\nTools are grouped by namespace where each namespace has one or more tools defined. By default, the input for each tool ' +
  "call is a JSON object. If the tool schema has the word 'FREEFORM' input type, you should strictly follow the function description " +
  'and instructions for the input format. It should not be JSON unless explicitly instructed by the function description or ' +
  'system/developer instructions.\n\n'

const plain: PromptFamily = {
  priming: 3,
  toolListing: 'namespace',
  toolsHeading: TOOLS_HEADING,
  toolsCorrection: -1,
  instructions: 'system',
}
const oSeries: PromptFamily = { ...plain, priming: 2, toolsCorrection: 0, instructions: 'own' }
/** The gpt-5 family uses channels ("harmony"). */
const channels: PromptFamily = {
  ...oSeries,
  toolListing: 'headings',
  toolsHeading: NAMESPACES_HEADING,
}

/**
 * Returns the family of a model. In captured usage, gpt-5, gpt-5-nano, gpt-5.2-chat and gpt-5.4 (2025-08 to 2026-07), o3-mini and
 * o4-mini (2026) have a priming of 2. All others have 3.
 */
export function promptFamily(model: Model): PromptFamily {
  if (model.name.startsWith('gpt-5')) return channels
  if (!model.reasoning) return plain
  return /^o\d/.test(model.name) ? oSeries : channels
}

/**
 * Returns whether the answers of a model have channels ("harmony"): the gpt-5 family, o3 and o4-mini. In bills, o3-mini has the
 * format of older models.
 */
export function usesChannels({ name, reasoning }: Model): boolean {
  if (name.startsWith('gpt-5')) return true
  return reasoning && !/^(o1|o3-mini)/.test(name)
}

/**
 * Returns whether the Responses API marks the arguments of every earlier call as JSON: models with channels, but not gpt-5 to gpt-5.3.
 * For other models, only stored calls have the mark.
 */
export function marksEveryCall(model: Model): boolean {
  return usesChannels(model) && !/^gpt-5(-|$|\.[1-3])/.test(model.name)
}
