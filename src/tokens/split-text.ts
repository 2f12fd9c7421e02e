/**
 * Compiles the split pattern of a js-tiktoken rank file. The original runs in Rust, where \s is Unicode white
 * space; JavaScript's \s has U+FEFF besides and lacks U+0085.
 */
export function compileSplitPattern(source: string): RegExp {
  const unicodeSpaces = source.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}')
  return new RegExp(unicodeSpaces, 'gu')
}

/** A run of some 5 million characters outside Latin-1 overflows the stack of V8's regular expressions. */
const WINDOW = 1_000_000

/**
 * Splits a text into its pre-tokens, which joined give the text again; they come in lists, one list a window.
 * The last two matches of a window may change with what follows them (white space before a line break, an
 * apostrophe before `s`), so the next window starts with them. Only a single pre-token longer than a window
 * is cut, where the original would not.
 */
export function splitText(text: string, pattern: RegExp, window = WINDOW): Iterable<readonly string[]> {
  // Not within the generator: to make one costs as much as to count five words.
  return text.length <= window ? [text.match(pattern) ?? []] : splitByWindow(text, pattern, window)
}

function* splitByWindow(text: string, pattern: RegExp, window: number): Generator<readonly string[]> {
  let start = 0
  while (text.length - start > window) {
    const pieces = text.slice(start, endOfWindow(text, start + window)).match(pattern) ?? []
    if (pieces.length > 2) pieces.length -= 2
    for (const piece of pieces) start += piece.length
    yield pieces
  }
  yield text.slice(start).match(pattern) ?? []
}

/** Never between the halves of a surrogate pair. */
function endOfWindow(text: string, end: number): number {
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last <= 0xdbff ? end - 1 : end
}
