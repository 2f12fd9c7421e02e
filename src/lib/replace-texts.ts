/** Replaces all occurrences of some texts. */
export type ReplaceTexts = (text: string) => string

/** Texts are found by their first characters. Shorter ones are searched one by one. */
const START_LENGTH = 8
/** With fewer texts, a search for each one is faster. */
const MIN_INDEXED_TEXTS = 50

/**
 * Creates a function that replaces all occurrences of some texts. With many texts, it reads its input once instead of once for each
 * text. Where several texts begin at the same place, the longest one is replaced.
 *
 * @param texts empty texts are ignored
 */
export function createReplaceTexts(texts: readonly string[], replacement: string): ReplaceTexts {
  const found = [...new Set(texts)].filter((text) => text !== '').sort((a, b) => b.length - a.length)
  const isFew = found.length < MIN_INDEXED_TEXTS
  const single = isFew ? found : found.filter(({ length }) => length < START_LENGTH)
  const index = isFew ? undefined : new StartIndex(found.filter(({ length }) => length >= START_LENGTH))
  return (text) => {
    const rest = index ? index.replace(text, replacement) : text
    return single.reduce(
      (left, one) => (left.includes(one) ? left.replaceAll(one, () => replacement) : left),
      rest,
    )
  }
}

/** Texts by their first characters. */
class StartIndex {
  /** Longer texts first. */
  readonly #byStart = new Map<string, string[]>()
  /** By the hash of 4 characters, whether a text can begin with them. It avoids a string for each place of the input. */
  readonly #mayStart = new Uint8Array(1 << 16)

  /** @param texts longer texts first */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const start = text.slice(0, START_LENGTH)
      const known = this.#byStart.get(start)
      if (known) known.push(text)
      else this.#byStart.set(start, [text])
      this.#mayStart[hashAt(text, 0)] = 1
    }
  }

  replace(text: string, replacement: string): string {
    let result = ''
    let copied = 0
    for (let at = 0; at + START_LENGTH <= text.length; at++) {
      if (this.#mayStart[hashAt(text, at)] === 0) continue
      const known = this.#byStart.get(text.slice(at, at + START_LENGTH))
      const found = known?.find((one) => text.startsWith(one, at))
      if (found === undefined) continue
      result += text.slice(copied, at) + replacement
      copied = at + found.length
      at = copied - 1
    }
    return copied === 0 ? text : result + text.slice(copied)
  }
}

function hashAt(text: string, at: number): number {
  const front = text.charCodeAt(at) * 31 + text.charCodeAt(at + 1)
  const back = text.charCodeAt(at + 2) * 31 + text.charCodeAt(at + 3)
  return (front * 961 + back) & 0xffff
}
