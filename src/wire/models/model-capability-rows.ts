import type { CapabilityRow } from './model-capabilities.ts'

const lowToHigh = ['low', 'medium', 'high']
const noneToXhigh = ['none', 'low', 'medium', 'high', 'xhigh']
const inMemory = ['in_memory']
const bothRetentions = ['in_memory', '24h']

/**
 * The capabilities of models by name and version, as changes in order: general rows first. Rows with `reasoning` apply only to models
 * that the catalogue lists so. An open pattern (`gpt-5.6` and later) also covers models that do not exist yet.
 *
 * Sources: Microsoft Learn, "Azure OpenAI reasoning models" (2026) for efforts and parameters; bills and captures of 2025 and 2026 for
 * what is accepted (`stop` of o1 and o3-mini, tools of gpt-5.4, default efforts); messages measured on gpt-5.6-terra (2026-08). Other
 * sources are named at their row.
 */
export const capabilityRows: readonly CapabilityRow[] = [
  // Models without reasoning.
  { models: /^/, reasoning: false, changes: { parameters: { reasoning_effort: 'unknown' } } },
  // Microsoft Learn, "Prompt caching" (2026-08): gpt-4o and newer, and a list of models with extended retention.
  { models: /^gpt-4(o|\.)|^gpt-5/, reasoning: false, changes: { cacheRetentions: inMemory } },
  {
    // The list also has gpt-4.1, which Azure refused in 2026-03 (OpenHands/software-agent-sdk#2295).
    models: /^gpt-5(\.\d)?-chat/,
    reasoning: false,
    changes: { cacheRetentions: bothRetentions },
  },
  // Structured outputs exist since gpt-4o-2024-08-06, JSON mode since the versions 1106, images since gpt-4-turbo.
  {
    models: /^(gpt-35|gpt-4(-|$)|gpt-4o-2024-05-13)/,
    changes: { structuredOutputs: false },
  },
  { models: /^gpt-(35|4-0|4-32k)/, changes: { vision: false, files: false } },
  { models: /^gpt-4-(0314|0613|32k)|^gpt-35-turbo-(0301|0613|16k)/, changes: { jsonMode: false } },
  // OpenAI's model card of gpt-oss (2025-08): three efforts. Generated answers do not show the reasoning.
  {
    models: /^gpt-oss/,
    changes: {
      vision: false,
      files: false,
      efforts: lowToHigh,
      defaultEffort: 'medium',
      parameters: { reasoning_effort: 'accepted' },
    },
  },
  // big-AGI#1159 (2026-07).
  {
    models: /^computer-use-preview/,
    changes: { vision: true, responsesEfforts: ['medium'], summaries: ['concise'] },
  },
  {
    models: /audio/,
    reasoning: false,
    changes: { vision: false, files: false, structuredOutputs: false, audioInput: true, audioOutput: true },
  },

  // Models with reasoning.
  {
    models: /^/,
    reasoning: true,
    changes: {
      efforts: noneToXhigh,
      defaultEffort: 'medium',
      unknownMembers: 'unknown-parameter',
      parameters: {
        max_tokens: 'unsupported',
        stop: 'unsupported',
        logit_bias: 'unsupported',
        prediction: 'unsupported',
        temperature: 'default',
        top_p: 'default',
        presence_penalty: 'default',
        frequency_penalty: 'default',
        logprobs: 'default',
        top_logprobs: 'default',
      },
      vision: true,
      files: true,
      encryptedReasoning: true,
      structuredOutputs: true,
      verbosities: ['low', 'medium', 'high'],
      cacheRetentions: inMemory,
      maxChoices: 8,
      maxTopLogprobs: 5,
    },
  },
  {
    models: /^(o\d|codex-mini)/,
    reasoning: true,
    changes: {
      efforts: lowToHigh,
      verbosities: ['medium'],
      parallelToolCalls: false,
    },
  },
  // `stop` is not supported from o3 and o4-mini on (OpenAI's reference; bills of o3-mini with `stop`).
  { models: /^(o1|o3-mini)/, reasoning: true, changes: { parameters: { stop: 'accepted' } } },
  // arbs-io/vscode-openai#349 (2025-05): the default temperature is refused too.
  {
    models: /^o3-mini/,
    reasoning: true,
    changes: { vision: false, files: false, parameters: { temperature: 'unsupported' } },
  },
  // Bills of chat requests with files (2026). Reports since 2025-08 have refusals of the other models.
  { models: /^(gpt-4\.1-nano|gpt-5-mini|gpt-5\.4)(-\d|$)/, changes: { chatFiles: true } },
  // LiteLLM#7693 (2025-01).
  { models: /^o1-2024-12-17/, reasoning: true, changes: { streaming: false } },
  // OpenHands#6285, LiteLLM#11819 and llama_index#17731 (2025).
  {
    models: /^o1-(mini|preview)/,
    reasoning: true,
    changes: {
      efforts: [],
      systemRole: false,
      developerRole: false,
      vision: false,
      files: false,
      encryptedReasoning: false,
      structuredOutputs: false,
      parameters: {
        reasoning_effort: 'unknown',
        tools: 'unsupported',
        tool_choice: 'unsupported',
        response_format: 'unsupported',
      },
    },
  },
  {
    models: /^gpt-5(-|$)/,
    reasoning: true,
    changes: { efforts: ['minimal', 'low', 'medium', 'high'], summaries: ['detailed'] },
  },
  { models: /^gpt-5\.1(-|$)/, reasoning: true, changes: { efforts: ['none', 'low', 'medium', 'high'] } },
  // gpt-5.4: capture of July 2026. gpt-5.1 and gpt-5.2: documentation.
  { models: /^gpt-5\.[1-4](-mini|-nano)?(-\d|$)/, reasoning: true, changes: { defaultEffort: 'none' } },
  // openai/codex#6647 (2025-11): codex models refuse `none`.
  { models: /^gpt-5(\.1)?-codex/, reasoning: true, changes: { efforts: lowToHigh } },
  {
    models: /^gpt-5\.(1-codex-max|[2-9]-codex)/,
    reasoning: true,
    changes: { efforts: ['low', 'medium', 'high', 'xhigh'] },
  },
  // openai/codex#9035 (2026-01).
  { models: /^gpt-5.*-codex/, reasoning: true, changes: { verbosities: ['medium'] } },
  // home-assistant/core#161256 (2026-01): small models have no extended retention.
  { models: /^gpt-5-(mini|nano)/, reasoning: true, changes: { cacheRetentions: ['in_memory'] } },
  // microsoft/amplifier#199 (2026-01): chat models and o4-mini refuse encrypted content.
  {
    models: /^gpt-5\.\d-chat|^gpt-chat-latest|^o4-mini/,
    reasoning: true,
    changes: { encryptedReasoning: false },
  },
  // Microsoft Learn: gpt-5-pro has only `high`. Models before gpt-5.1 have the default `medium`, pro models of the o-series too.
  { models: /^gpt-5-pro/, reasoning: true, changes: { efforts: ['high'], defaultEffort: 'high' } },
  {
    models: /^gpt-5\.\d-pro/,
    reasoning: true,
    changes: { efforts: ['medium', 'high', 'xhigh'], defaultEffort: 'high' },
  },
  // Reports since 2025-11: the effort of chat models is fixed.
  {
    models: /^gpt-5\.\d-chat|^gpt-chat-latest/,
    reasoning: true,
    changes: { efforts: ['medium'] },
  },
  // OpenAI's documentation: gpt-5.1 and later. Codex models before have the older tool.
  { models: /^gpt-5\.[1-9]|^gpt-([6-9]|[1-9]\d)/, changes: { commandTools: ['shell', 'apply_patch'] } },
  { models: /^(codex-mini|gpt-5-codex)/, changes: { commandTools: ['local_shell'] } },
  { models: /^gpt-5\.[4-9]|^gpt-([6-9]|[1-9]\d)/, reasoning: true, changes: { phase: true } },
  // Captures of 2026-04 to 2026-10: no reasoning for short prompts with medium effort.
  {
    models: /^gpt-5\.([5-9]|\d-chat)|^gpt-([6-9]|[1-9]\d|chat)/,
    reasoning: true,
    changes: { adaptiveReasoning: true },
  },
  { models: /^gpt-5\.[45]/, reasoning: true, changes: { toolsWithReasoning: 'effort-refused' } },
  // Captures of April to August 2026.
  { models: /^gpt-5\.2-chat/, reasoning: true, changes: { defaultTopP: 0.85 } },
  { models: /^gpt-5\.[4-9]|^gpt-([6-9]|[1-9]\d)/, reasoning: true, changes: { defaultTopP: 0.98 } },
  // Microsoft Learn, "Prompt caching" (2026-08). Captures of July and August 2026: `in_memory` on gpt-5-nano and gpt-5.4, `24h` on gpt-5.5
  // and gpt-5.6.
  {
    models: /^gpt-5(-\d|-codex|-pro|$)|^gpt-5\.[1-4](-chat|-codex|-pro|-\d|$)/,
    reasoning: true,
    changes: { cacheRetentions: bothRetentions },
  },
  { models: /^gpt-5\.[5-9]|^gpt-([6-9]|[1-9]\d)/, reasoning: true, changes: { cacheRetentions: ['24h'] } },
  {
    models: /^gpt-5\.[6-9]|^gpt-([6-9]|[1-9]\d)/,
    reasoning: true,
    changes: {
      unknownToolMembers: 'refuse',
      toolsWithReasoning: 'refused',
      cacheBreakpoints: true,
      responsesEfforts: [...noneToXhigh, 'max'],
    },
  },
  // Microsoft Learn, "Priority processing" (2026-09-24), with the prompts that it downgrades, and "Flex processing" (2026-10-06).
  {
    models:
      /^gpt-4\.1-\d|^gpt-5\.[12](-\d|$)|^gpt-5\.4(-mini)?(-\d|$)|^gpt-5\.5(-\d|$)|^gpt-([6-9]|\d\d)(\.\d+)?-sol/,
    changes: { serviceTiers: ['auto', 'default', 'priority'] },
  },
  { models: /^gpt-(4\.1|5\.4)-\d/, changes: { maxPriorityTokens: 128_000 } },
  {
    models: /^gpt-5\.6-(sol|terra)/,
    changes: { serviceTiers: ['auto', 'default', 'priority', 'flex'] },
  },
  { models: /^gpt-5\.6-luna|^gpt-6-astra/, changes: { serviceTiers: ['auto', 'default', 'flex'] } },
  // litellm-docs#1173, inspect_ai#5254 (2026-09): the model always reasons, and only responses accept `max`.
  {
    models: /^gpt-\d+(\.\d)?-astra/,
    reasoning: true,
    changes: {
      efforts: ['low', 'medium', 'high', 'xhigh'],
      responsesEfforts: ['low', 'medium', 'high', 'xhigh', 'max'],
    },
  },
]
