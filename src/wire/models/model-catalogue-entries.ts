import type { CatalogueRow } from './model-catalogue-row.ts'

const chat = ['chatCompletions'] as const
const chatAndResponses = ['chatCompletions', 'responses'] as const

// Limits that all models of a generation share.
const million = { contextTokens: 1_050_000, maxOutputTokens: 128_000 }
const gpt5 = { contextTokens: 400_000, maxOutputTokens: 128_000 }
const gpt41 = { contextTokens: 1_047_576, maxOutputTokens: 32_768 }
const gpt4o = { contextTokens: 128_000, maxOutputTokens: 16_384 }
const oSeries = { contextTokens: 200_000, maxOutputTokens: 100_000 }

const reasoning = { operations: chatAndResponses, reasoning: true }
/** Reasoning models without the Responses API. */
const chatReasoning = { operations: chat, reasoning: true }
/** Models that only the Responses API serves. */
const responsesOnly = { operations: ['responses'], reasoning: true } as const

const xai = { operations: chat, provider: 'xai' } as const

const baseModel = {
  encoding: 'cl100k_base',
  contextTokens: 16_384,
  maxOutputTokens: 16_384,
  operations: ['completions'],
} as const

/**
 * Models of xAI. Their tokenizer is not public: o200k_base is an approximation. Limits from xAI's documentation (2025-08, 2026-03).
 */
const xaiRows: readonly CatalogueRow[] = [
  { name: 'grok-3', ...xai, contextTokens: 131_072, maxOutputTokens: 131_072 },
  { name: 'grok-3-mini', ...xai, contextTokens: 131_072, maxOutputTokens: 131_072 },
  { name: 'grok-4', ...xai, contextTokens: 256_000, maxOutputTokens: 256_000 },
  { name: 'grok-4-fast-reasoning', ...xai, contextTokens: 256_000, maxOutputTokens: 256_000 },
  { name: 'grok-4-fast-non-reasoning', ...xai, contextTokens: 256_000, maxOutputTokens: 256_000 },
  { name: 'grok-4-1-fast-reasoning', ...xai, contextTokens: 256_000, maxOutputTokens: 256_000 },
  { name: 'grok-4-1-fast-non-reasoning', ...xai, contextTokens: 256_000, maxOutputTokens: 256_000 },
]

/**
 * Base models that read and write text. Sources: context windows and versions from Microsoft Learn, "Foundry Models sold by
 * Azure" (2026-09-21); names in answers from captured traffic, 2024-04 to 2026-04.
 */
export const chatModelRows: readonly CatalogueRow[] = [
  // Dates of OpenAI (openai-node, 2026-11). Limits as for gpt-6.1-sol; Azure's are not published.
  { name: 'gpt-6.2-sol', versions: ['2026-11-17'], ...million, ...reasoning },
  { name: 'gpt-6.2-astra', versions: ['2026-11-17'], ...million, ...reasoning },
  { name: 'gpt-6.1-terra', versions: ['2026-10-26'], ...million, ...reasoning },
  { name: 'gpt-6.1-sol', versions: ['2026-09-29'], ...million, ...reasoning },
  { name: 'gpt-6-astra', versions: ['2026-09-03'], ...million, ...reasoning },
  { name: 'gpt-6-luna', versions: ['2026-09-22'], ...million, ...reasoning },
  { name: 'gpt-6-sol', versions: ['2026-09-22'], ...million, ...reasoning },
  { name: 'gpt-5.6-sol', versions: ['2026-07-09'], ...million, ...reasoning },
  { name: 'gpt-5.6-terra', versions: ['2026-07-09'], ...million, ...reasoning },
  { name: 'gpt-5.6-luna', versions: ['2026-07-09'], ...million, ...reasoning },
  { name: 'gpt-5.5', versions: ['2026-04-24'], ...million, ...reasoning },
  { name: 'gpt-5.4', versions: ['2026-03-05'], ...million, ...reasoning },
  { name: 'gpt-5.4-mini', versions: ['2026-03-17'], ...gpt5, ...reasoning },
  { name: 'gpt-5.4-nano', versions: ['2026-03-17'], ...gpt5, ...reasoning },
  { name: 'gpt-5.4-pro', versions: ['2026-03-05'], ...million, ...responsesOnly },
  { name: 'gpt-5.3-chat', answersAs: 'gpt-5.3-chat-latest', ...gpt4o, ...reasoning },
  { name: 'gpt-5.3-codex', versions: ['2026-02-24'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5.2', versions: ['2025-12-11'], ...gpt5, ...reasoning },
  { name: 'gpt-5.2-chat', answersAs: 'gpt-5.2-chat-latest', ...gpt4o, ...reasoning },
  { name: 'gpt-5.2-codex', versions: ['2026-01-14'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5.1', versions: ['2025-11-13'], ...gpt5, ...reasoning },
  { name: 'gpt-5.1-chat', answersAs: 'gpt-5.1-chat-latest', ...gpt4o, ...reasoning },
  { name: 'gpt-5.1-codex', versions: ['2025-11-13'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5.1-codex-mini', versions: ['2025-11-13'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5.1-codex-max', versions: ['2025-12-04'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5', versions: ['2025-08-07'], ...gpt5, ...reasoning },
  { name: 'gpt-5-mini', versions: ['2025-08-07'], ...gpt5, ...reasoning },
  { name: 'gpt-5-nano', versions: ['2025-08-07'], ...gpt5, ...reasoning },
  { name: 'gpt-5-chat', answersAs: 'gpt-5-chat-latest', ...gpt4o, operations: chatAndResponses },
  { name: 'gpt-5-codex', versions: ['2025-09-11'], ...gpt5, ...responsesOnly },
  { name: 'gpt-5-pro', versions: ['2025-10-06'], ...gpt5, ...responsesOnly },
  { name: 'gpt-chat-latest', answersAs: 'gpt-chat-latest', ...gpt5, ...reasoning },
  { name: 'gpt-4.1', versions: ['2025-04-14'], ...gpt41, operations: chatAndResponses },
  { name: 'gpt-4.1-mini', versions: ['2025-04-14'], ...gpt41, operations: chatAndResponses },
  { name: 'gpt-4.1-nano', versions: ['2025-04-14'], ...gpt41, operations: chatAndResponses },
  {
    name: 'gpt-4o',
    versions: ['2024-11-20', '2024-08-06', '2024-05-13'],
    ...gpt4o,
    operations: chatAndResponses,
    olderLimits: { '2024-05-13': { maxOutputTokens: 4_096 } },
  },
  { name: 'gpt-4o-mini', versions: ['2024-07-18'], ...gpt4o, operations: chatAndResponses },
  {
    name: 'gpt-4-turbo',
    versions: ['2024-04-09'],
    // The portal offers these as versions of gpt-4. As versions here, they would replace the gpt-4 with 8,192 tokens.
    aliases: [
      'gpt-4-1106-preview',
      'gpt-4-0125-preview',
      'gpt-4-vision-preview',
      'gpt-4-turbo-preview',
      'gpt-4-1106-vision-preview',
    ],
    encoding: 'cl100k_base',
    contextTokens: 128_000,
    maxOutputTokens: 4_096,
    operations: chat,
  },
  {
    name: 'gpt-4',
    versions: ['0613', '0314'],
    answersAs: 'gpt-4',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 8_192,
    operations: chat,
  },
  {
    name: 'gpt-4-32k',
    versions: ['0613', '0314'],
    answersAs: 'gpt-4-32k',
    encoding: 'cl100k_base',
    contextTokens: 32_768,
    maxOutputTokens: 32_768,
    operations: chat,
  },
  {
    name: 'gpt-35-turbo',
    versions: ['0125', '1106', '0613', '0301'],
    answersAs: 'gpt-35-turbo',
    aliases: ['gpt-3.5-turbo'],
    encoding: 'cl100k_base',
    contextTokens: 16_385,
    maxOutputTokens: 4_096,
    // On the service, only version 0301 supports legacy completions. A deployment name does not contain the version.
    operations: ['chatCompletions', 'completions'],
    olderLimits: { '0613': { contextTokens: 4_096 }, '0301': { contextTokens: 4_096 } },
  },
  {
    name: 'gpt-35-turbo-16k',
    versions: ['0613'],
    answersAs: 'gpt-35-turbo-16k',
    aliases: ['gpt-3.5-turbo-16k'],
    encoding: 'cl100k_base',
    contextTokens: 16_384,
    maxOutputTokens: 16_384,
    operations: chat,
  },
  {
    name: 'gpt-35-turbo-instruct',
    versions: ['0914'],
    answersAs: 'gpt-35-turbo-instruct',
    aliases: ['gpt-3.5-turbo-instruct'],
    encoding: 'cl100k_base',
    contextTokens: 4_097,
    maxOutputTokens: 4_097,
    operations: ['completions'],
  },
  // Base models without chat training. Azure offers them for fine-tuning.
  { name: 'davinci-002', ...baseModel, aliases: ['davinci'] },
  { name: 'babbage-002', ...baseModel, aliases: ['babbage'] },
  { name: 'o4-mini', versions: ['2025-04-16'], ...oSeries, ...reasoning },
  { name: 'o3', versions: ['2025-04-16'], ...oSeries, ...reasoning },
  { name: 'o3-mini', versions: ['2025-01-31'], ...oSeries, ...reasoning },
  { name: 'o3-deep-research', versions: ['2025-06-26'], ...oSeries, ...responsesOnly },
  { name: 'o1-pro', versions: ['2025-03-19'], ...oSeries, ...responsesOnly },
  { name: 'o3-pro', versions: ['2025-06-10'], ...oSeries, ...responsesOnly },
  { name: 'o1', versions: ['2024-12-17'], ...oSeries, ...reasoning },
  {
    name: 'o1-mini',
    versions: ['2024-09-12'],
    contextTokens: 128_000,
    maxOutputTokens: 65_536,
    ...chatReasoning,
  },
  {
    name: 'o1-preview',
    versions: ['2024-09-12'],
    contextTokens: 128_000,
    maxOutputTokens: 32_768,
    ...chatReasoning,
  },
  { name: 'codex-mini', versions: ['2025-05-16'], ...oSeries, ...responsesOnly },
  {
    name: 'computer-use-preview',
    versions: ['2025-03-11'],
    contextTokens: 8_192,
    maxOutputTokens: 1_024,
    operations: ['responses'],
  },
  // Their encoding is o200k_harmony. It differs from o200k_base only in special tokens, which do not occur in plain text.
  { name: 'gpt-oss-120b', contextTokens: 131_072, maxOutputTokens: 131_072, operations: chat },
  { name: 'gpt-oss-20b', contextTokens: 131_072, maxOutputTokens: 131_072, operations: chat },
  { name: 'gpt-audio', ...gpt4o, operations: chat },
  { name: 'gpt-audio-mini', ...gpt4o, operations: chat },
  { name: 'gpt-audio-1.5', ...gpt4o, operations: chat },
  { name: 'gpt-4o-audio-preview', versions: ['2024-12-17'], ...gpt4o, operations: chat },
  ...xaiRows,
  {
    name: 'model-router',
    // Answers contain the model that the router chose, not the router.
    answersAs: 'gpt-4.1-mini-2025-04-14',
    contextTokens: 200_000,
    maxOutputTokens: 32_768,
    operations: chat,
  },
]

const claude = {
  provider: 'anthropic',
  operations: ['messages'],
} as const

const claudeMillion = { ...claude, contextTokens: 1_000_000, maxOutputTokens: 128_000 }
const claude45 = { ...claude, contextTokens: 200_000, maxOutputTokens: 64_000 }

/**
 * Claude models in Foundry. Sources: Microsoft Learn, "Claude models in Microsoft Foundry" (2026-09-21); Anthropic, "Models overview" and
 * "Model deprecations" (2026-11-26). Names without a version have none.
 */
export const claudeRows: readonly CatalogueRow[] = [
  { name: 'claude-fable-5-2', ...claudeMillion },
  { name: 'claude-fable-5-1', ...claudeMillion },
  { name: 'claude-opus-5-5', ...claudeMillion },
  { name: 'claude-sonnet-5-5', ...claudeMillion },
  { name: 'claude-haiku-5-5', ...claudeMillion },
  { name: 'claude-opus-5', ...claudeMillion },
  { name: 'claude-sonnet-5', ...claudeMillion },
  { name: 'claude-opus-4-8', ...claudeMillion },
  { name: 'claude-opus-4-7', ...claudeMillion },
  { name: 'claude-opus-4-6', ...claudeMillion },
  { name: 'claude-sonnet-4-6', ...claudeMillion },
  { name: 'claude-opus-4-5', versions: ['20251101'], ...claude45 },
  { name: 'claude-haiku-4-5', versions: ['20251001'], ...claude45 },
  { name: 'claude-sonnet-4-5', versions: ['20250929'], ...claude45 },
  { name: 'claude-opus-4-1', versions: ['20250805'], ...claude45, maxOutputTokens: 32_000 },
]

const realtime = { contextTokens: 32_000, maxOutputTokens: 4_096, operations: [] }
/** Audio and image models. Their input is not limited in tokens. */
const noWindow = { contextTokens: 0, maxOutputTokens: 0 }
const image = { ...noWindow, operations: ['imageGenerations', 'imageEdits'] } as const
const speech = { ...noWindow, operations: ['speech'] } as const
const transcription = { ...noWindow, operations: ['transcriptions'] } as const
/** Models that the simulator cannot serve, but deployment files can contain. */
const nameOnly = { ...noWindow, operations: [] }

/** Base models of embeddings, audio and images. Sources as for `chatModelRows`. */
export const mediaModelRows: readonly CatalogueRow[] = [
  {
    name: 'text-embedding-3-large',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 3_072,
    shortensEmbeddings: true,
  },
  {
    name: 'text-embedding-3-small',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 1_536,
    shortensEmbeddings: true,
  },
  {
    name: 'text-embedding-ada-002',
    answersAs: 'ada',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 1_536,
  },
  // The service does not have these three. The Python simulator has them, with a default of 1,536 dimensions.
  {
    name: 'text-embedding-3-xlarge',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 1_536,
    shortensEmbeddings: true,
  },
  {
    name: 'text-embedding-3-medium',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 1_536,
    shortensEmbeddings: true,
  },
  {
    name: 'text-embedding-ada-001',
    encoding: 'cl100k_base',
    contextTokens: 8_192,
    maxOutputTokens: 0,
    operations: ['embeddings'],
    embeddingSize: 1_536,
  },
  { name: 'gpt-realtime-2.1', ...realtime },
  { name: 'gpt-realtime-2.1-mini', ...realtime },
  { name: 'gpt-realtime-2', ...realtime },
  { name: 'gpt-realtime-1.5', ...realtime },
  { name: 'gpt-realtime', ...realtime },
  { name: 'gpt-realtime-mini', ...realtime },
  { name: 'gpt-live-transcribe', ...realtime },
  {
    name: 'whisper',
    aliases: ['whisper-1'],
    ...noWindow,
    operations: ['transcriptions', 'translations'],
  },
  { name: 'gpt-transcribe', ...transcription },
  { name: 'gpt-4o-transcribe', ...transcription },
  { name: 'gpt-4o-mini-transcribe', ...transcription },
  { name: 'gpt-4o-transcribe-diarize', ...transcription },
  { name: 'tts', aliases: ['tts-1'], ...speech },
  { name: 'tts-hd', aliases: ['tts-1-hd'], ...speech },
  { name: 'gpt-4o-mini-tts', ...speech },
  // Azure edits images only with GPT image models.
  { name: 'dall-e-3', ...noWindow, operations: ['imageGenerations'] },
  { name: 'gpt-image-1', ...image },
  { name: 'gpt-image-1-mini', ...image },
  { name: 'gpt-image-1.5', ...image },
  { name: 'gpt-image-2', ...image },
  { name: 'gpt-image-2.5-flare', ...image },
  { name: 'gpt-image-2.5-sunburst', ...image },
  { name: 'sora-2', ...nameOnly },
]
