/** A part of a text that its embedding is made of: a hash of what it says, and how much it counts. */
export interface Feature {
  readonly hash: number
  readonly weight: number
}

/** Words of up to this length (the, of, and) say little about what a text is about. */
const shortWordLength = 3

const shortWordWeight = 0.25
const wordWeight = 1
/** Parts of words make `run`, `runs` and `running` near each other. */
const trigramWeight = 0.35

/** Cuts a text into words and the letter trigrams of its longer words, without regard to case or punctuation. */
export function textFeatures(text: string): Feature[] {
  const features: Feature[] = []
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const isShort = word.length <= shortWordLength
    features.push({ hash: hashText(word, 0), weight: isShort ? shortWordWeight : wordWeight })
    if (isShort) continue
    for (let start = 0; start + 3 <= word.length; start++) {
      features.push({ hash: hashText(word.slice(start, start + 3), 1), weight: trigramWeight })
    }
  }
  return features
}

/** FNV-1a over UTF-16 units, with a final mix (murmur3's), since FNV's high bits of short texts are poor. */
export function hashText(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
