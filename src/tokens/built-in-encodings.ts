import cl100kBase from 'js-tiktoken/ranks/cl100k_base'
import o200kBase from 'js-tiktoken/ranks/o200k_base'
import type { EncodingName } from './encoding-files.ts'
import { readVocabulary, type Vocabulary } from './rank-table.ts'

/** An encoding that is part of the simulator. */
export interface BuiltInEncoding {
  readonly vocabulary: Vocabulary
  /** The pattern of pre-tokens, as written for Rust. */
  readonly splitPattern: string
  /** The ranks of special tokens by their texts. */
  readonly specialTokens: Readonly<Record<string, number>>
}

const files = { cl100k_base: cl100kBase, o200k_base: o200kBase }

/** Builds an encoding from js-tiktoken. In dist/, packed-encodings.ts replaces this file and reads what the build has packed. */
export function builtInEncoding(name: EncodingName): BuiltInEncoding {
  const { bpe_ranks: ranks, pat_str: splitPattern, special_tokens: specialTokens } = files[name]
  return { vocabulary: readVocabulary(ranks), splitPattern, specialTokens }
}
