/** Takes a part of a text that its embedding is made of: a hash of what it says, and how much it counts. */
export type TakeFeature = (hash: number, weight: number) => void

const WORD_WEIGHT = 1
/** Parts of words make `run`, `runs` and `running` near each other. */
const TRIGRAM_WEIGHT = 0.3
/** What a word begins with is mostly its stem. */
const STEM_WEIGHT = 0.5
const STEM_LENGTH = 4
/** Words that every text has say little about what it is about. */
const STOP_WORD_WEIGHT = 0.05
/** Scripts without spaces: two characters are about a word, one is a hint. */
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
/** Set parts of words, single characters and pairs apart from words of the same letters. */
const STEM_SALT = 0x2545f491
const TRIGRAM_SALT = 0x9e3779b9
const CHARACTER_SALT = 0x7f4a7c15
const PAIR_SALT = 0x94d049bb

/**
 * Hands over the words of a text, the stems and letter trigrams of longer ones, and, in scripts without
 * spaces, characters and pairs of them; without regard to case or punctuation. One pass over the text, which
 * allocates nothing: this is most of the cost of an embedding.
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

/** FNV-1a over UTF-16 units, with a final mix (murmur3's), since FNV's high bits of short texts are poor. */
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

/** Whether a UTF-16 unit belongs to a word, is nearly one by itself, or stands between words. */
function kindOf(code: number): number {
  if (code < 0x80) return asciiKinds[code] ?? SEPARATOR
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba ? LETTER : SEPARATOR
  if (code < 0x2000) return code === 0xd7 || code === 0xf7 ? SEPARATOR : LETTER
  // General punctuation to box drawing and symbols, then the punctuation of East Asia.
  if (code < 0x2c00 || (code >= 0x3000 && code <= 0x303f) || (code >= 0xff00 && code <= 0xff0f)) {
    return SEPARATOR
  }
  // Kana, Chinese, and what surrogates stand for; Hangul has spaces but words of few syllables.
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
