import { builtInEncoding } from './built-in-encodings.ts'
import { createRankTable, renderTokenFile } from './rank-table.ts'

/** The encodings of the chat and embedding models: gpt-4, gpt-35-turbo and embeddings; gpt-4o and later. */
export type EncodingName = 'cl100k_base' | 'o200k_base'

/** All encodings. */
export const encodingNames: readonly EncodingName[] = ['cl100k_base', 'o200k_base']

/** The official file of an encoding, published by OpenAI. */
export interface OfficialFile {
  readonly url: string
  /** File name that tiktoken uses in TIKTOKEN_CACHE_DIR: the SHA-1 of the URL. */
  readonly cacheName: string
  /** Hash of its bytes in hexadecimal, as tiktoken checks it (tiktoken_ext/openai_public.py). */
  readonly sha256: string
}

/** The official files, by encoding. */
export const officialFiles: Readonly<Record<EncodingName, OfficialFile>> = {
  cl100k_base: {
    url: 'https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken',
    cacheName: '9b5ad71b2ce5302211f9c61530b329a4922fc6a4',
    sha256: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  },
  o200k_base: {
    url: 'https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken',
    cacheName: 'fb374d419588a4632f3f557e76b4b70aebbca790',
    sha256: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
  },
}

/** Renders the official file of an encoding from the built-in one. Byte for byte equal, without network access. */
export function renderOfficialFile(name: EncodingName): string {
  return renderTokenFile(createRankTable(builtInEncoding(name).vocabulary, {}))
}
