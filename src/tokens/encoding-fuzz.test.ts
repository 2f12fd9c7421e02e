import cl100kBase from 'js-tiktoken/ranks/cl100k_base'
import o200kBase from 'js-tiktoken/ranks/o200k_base'
import { Tiktoken as JsTiktoken } from 'js-tiktoken/lite'
import { get_encoding } from 'tiktoken'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../tests/support/rounds.ts'
import { createRandom, type Random } from '../lib/random.ts'
import { loadEncoding } from './encoding.ts'

/** Characters that are white space only in Rust (U+0085) or only in JavaScript (U+FEFF). */
const DIFFERING_SPACES = /[\u0085\ufeff]/u

const letters = [
  'abcdefghijklmnopqrstuvwxyz',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  'äöüßéèñçåøÆŒǅſıŠž',
  'абвгдежзийклмнопрАБВГД',
  'αβγδεζηθΩΣ',
  '的一是不了人我在有他这为之大来以个中上们',
  'ひらがなカタカナーㇰ',
  '한국어안녕하세요',
  'ابتثجحخدذرزسشصضطظعغَُِّ',
  'नमस्तेदुनियाहिन्दीकषगा',
  'ไทยภาษาสวัสดีครับ',
  'אבגדהוזחטיכ',
  '0123456789٣४Ⅷ½²',
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  '«»“”‘’…–—€£¥©™°±×→∑√',
  ' \t\n\r\u00a0\u0085\ufeff\u2003\u3000\u2028\u200b\u180e\u000b\u001c',
  '\u0301\u0308\u20dd\u094d\ufe0f\u200d',
].map((alphabet) => Array.from(alphabet))

const snippets = [
  "don't I'LL we've THEY'RE it's O'S 'S 'll 'D'm n'T x'Re '’s don'ſ",
  'The quick brown fox jumps over the lazy dog. ',
  'function add(a, b) {\n\treturn a + b // sum\n}\n\n',
  '{"role":"user","content":[{"type":"text","text":"hi"}]}',
  'HTTPServer getElementById XMLHttpRequest snake_case CONSTANT_NAME ',
  '👩‍👩‍👧‍👦👍🏽🇩🇪❤️‍🔥😀🏳️‍🌈',
  '3.14159 1,234,567.89 2024-05-13T12:34:56Z 0xdeadbeef ',
  '<|endoftext|><|fim_prefix|><|im_start|>',
  'https://example.com/a/b?c=d&e=f#g//h\r\n\r\n',
  '   \n  \n\t x   y    \n',
  '    \u0085\u0085 \ufeff\ufeff\n \u00a0\n',
  '\ufeff# Überschrift\n\n- Punkt eins\n- Größe: 5 µm\n',
  'नमस्ते दुनिया, مرحبا بالعالم، 你好，世界！こんにちは世界 안녕하세요 ',
  '=========================----------------________',
  'aaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbb',
]

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.below(items.length)] as Item

/** A text of up to 12 runs: of one script, of two mixed scripts, or a part of a snippet. */
function drawText(random: Random): string {
  let text = ''
  for (let runs = 1 + random.below(12); runs > 0; runs--) {
    if (random.below(3) === 0) {
      const characters = Array.from(pick(random, snippets))
      const start = random.below(characters.length)
      text += characters.slice(random.below(2) * start, start + 1 + random.below(40)).join('')
      continue
    }
    const [alphabet, other] = [pick(random, letters), pick(random, letters)]
    const mixed = random.below(2)
    for (let length = 1 + random.below(14); length > 0; length--) {
      text += pick(random, mixed === 1 && random.below(3) === 0 ? other : alphabet)
    }
    if (random.below(2) === 0) text += ' '
  }
  return text
}

function drawTexts(seed: string, count: number): string[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => drawText(random))
}

/** Texts with pre-tokens that are merged by the heap. */
function drawLongRuns(seed: string, count: number): string[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const alphabet = pick(random, letters).slice(0, 1 + random.below(20))
    return Array.from({ length: 60 + random.below(500) }, () => pick(random, alphabet)).join('')
  })
}

describe.each([
  ['cl100k_base', cl100kBase],
  ['o200k_base', o200kBase],
] as const)('encoding %s', (name, rankFile) => {
  const encoding = loadEncoding(name)

  it('encodes, counts and decodes like tiktoken', () => {
    const reference = get_encoding(name)
    const texts = [...snippets, ...drawTexts(name, rounds(2_000)), ...drawLongRuns(name, rounds(150))]
    const wrong = texts.filter((text) => {
      const tokens = encoding.encode(text)
      return (
        tokens.join() !== reference.encode_ordinary(text).join() ||
        encoding.count(text) !== tokens.length ||
        encoding.decode(tokens) !== text
      )
    })
    expect(wrong).toEqual([])
    reference.free()
  })

  it('encodes like js-tiktoken, except for white space that differs between Rust and JavaScript', () => {
    const reference = new JsTiktoken(rankFile)
    const texts = drawTexts(`${name} js`, rounds(1_250)).filter((text) => !DIFFERING_SPACES.test(text))
    expect(texts.length).toBeGreaterThan(rounds(500))
    const wrong = texts.filter(
      (text) => encoding.encode(text).join() !== reference.encode(text, [], []).join(),
    )
    expect(wrong).toEqual([])
  })
})
