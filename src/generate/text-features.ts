/** Receives a feature of a text: its hash, and its weight in the embedding. */
export type TakeFeature = (hash: number, weight: number) => void

const WORD_WEIGHT = 1
/** Trigrams put `run`, `runs` and `running` close to each other. */
const TRIGRAM_WEIGHT = 0.3
/** The start of a word is usually its stem. */
const STEM_WEIGHT = 0.5
const STEM_LENGTH = 4
/** Function words occur in all texts and say little about the topic. */
const STOP_WORD_WEIGHT = 0.05
/** In scripts without spaces, two characters are about one word; a single one is a weak signal. */
const PAIR_WEIGHT = 1
const CHARACTER_WEIGHT = 0.35

/** The most frequent function words of English, German, French and Spanish. */
const stopWords =
  'a an and are as at be but by can do does for from had has have he her his how i if in into is it its me my of on ' +
  'or our she so than that the their them then there these they this those to was we were what when where which ' +
  'who why will with would you your der die das den dem des ein eine einen einem einer und oder ist sind war in im ' +
  'auf aus bei mit nach von vom zu zum zur wie was wer wo wann nicht ich du er sie es wir ihr le la les un une des ' +
  'du de et ou est sont dans en sur pour par avec que qui ce se ne pas il elle nous vous ils je tu el los las una ' +
  'unos unas y o es son con por para no como lo su al del'

const stopHashes = new Set(stopWords.split(' ').map((word) => hashText(word, 0)))

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193
/** Separate hashes of word parts, characters and pairs from hashes of words with the same letters. */
const STEM_SALT = 0x2545f491
const TRIGRAM_SALT = 0x9e3779b9
const CHARACTER_SALT = 0x7f4a7c15
const PAIR_SALT = 0x94d049bb

/**
 * Calls `take` for each word of a text, for the stem and letter trigrams of longer words, and in scripts without
 * spaces for each character and pair. Ignores case and punctuation. One pass without allocations, because this is
 * most of the cost of an embedding.
 */
export function eachFeature(text: string, take: TakeFeature): void {
  const lower = text.toLowerCase()
  let length = 0
  let hash = FNV_OFFSET
  let before = 0
  let twoBefore = 0
  for (let i = 0; i <= lower.length; i++) {
    const code = i < lower.length ? lower.charCodeAt(i) : 0
    const kind = kindOf(code)
    if (kind === LETTER) {
      hash = Math.imul(hash ^ code, FNV_PRIME)
      length++
      if (length === STEM_LENGTH) take(mix(STEM_SALT ^ hash), STEM_WEIGHT)
      if (length >= 3) take(mix(TRIGRAM_SALT ^ threeCodes(twoBefore, before, code)), TRIGRAM_WEIGHT)
      twoBefore = before
      before = code
      continue
    }
    if (length > 0) {
      const word = mix(hash)
      take(word, stopHashes.has(word) ? STOP_WORD_WEIGHT : WORD_WEIGHT)
      length = 0
      hash = FNV_OFFSET
    }
    if (kind === IDEOGRAPH) {
      take(mix(CHARACTER_SALT ^ Math.imul(code, FNV_PRIME)), CHARACTER_WEIGHT)
      if (kindOf(before) === IDEOGRAPH) take(mix(PAIR_SALT ^ threeCodes(0, before, code)), PAIR_WEIGHT)
    }
    before = code
  }
}

/** FNV-1a over UTF-16 units with the final mix of murmur3, because the high bits of FNV are poor for short texts. */
export function hashText(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return mix(hash)
}

const SEPARATOR = 0
const LETTER = 1
const IDEOGRAPH = 2

const asciiKinds = Uint8Array.from({ length: 128 }, (_, code) =>
  /[a-z0-9]/.test(String.fromCharCode(code)) ? LETTER : SEPARATOR,
)

/** Classifies a UTF-16 unit as part of a word, ideograph or separator. */
function kindOf(code: number): number {
  if (code < 0x80) return asciiKinds[code] ?? SEPARATOR
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba ? LETTER : SEPARATOR
  if (code < 0x2000) return code === 0xd7 || code === 0xf7 ? SEPARATOR : LETTER
  // General punctuation to box drawing and symbols, then East Asian punctuation.
  if (code < 0x2c00 || (code >= 0x3000 && code <= 0x303f) || (code >= 0xff00 && code <= 0xff0f)) {
    return SEPARATOR
  }
  // Kana, Chinese characters and surrogates. Hangul has spaces, but its words have few syllables.
  return code >= 0x2e80 ? IDEOGRAPH : LETTER
}

function threeCodes(first: number, second: number, third: number): number {
  return Math.imul(Math.imul(first ^ 0x5bd1e995, FNV_PRIME) ^ second, FNV_PRIME) ^ third
}

function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
