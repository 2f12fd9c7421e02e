import type { CatalogueRow } from './model-catalogue-row.ts'

const realtime = { contextTokens: 32_000, maxOutputTokens: 4_096, operations: [] }
/** Models of sounds and pictures, whose windows are not counted in tokens. */
const noWindow = { contextTokens: 0, maxOutputTokens: 0 }
const image = { ...noWindow, operations: ['imageGenerations'] } as const
const speech = { ...noWindow, operations: ['speech'] } as const
const transcription = { ...noWindow, operations: ['transcriptions'] } as const
/** Known so that a deployment file may name them. */
const nameOnly = { ...noWindow, operations: [] }

/** The base models of embeddings, sounds and pictures; sources as in `model-catalogue-chat.ts`. */
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
  // The service has none of these three. The Python simulator does, with 1,536 numbers unless a deployment says otherwise.
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
  { name: 'dall-e-3', ...image },
  { name: 'gpt-image-1', ...image },
  { name: 'gpt-image-1-mini', ...image },
  { name: 'gpt-image-1.5', ...image },
  { name: 'gpt-image-2', ...image },
  { name: 'gpt-image-2.5-flare', ...image },
  { name: 'gpt-image-2.5-sunburst', ...image },
  { name: 'sora-2', ...nameOnly },
]
