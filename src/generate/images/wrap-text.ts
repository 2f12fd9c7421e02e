const cutMark = '...'

/**
 * Breaks a text into lines of at most `columns` characters, between words where that goes. Lines beyond `rows` are
 * left out, and the last one then ends in three dots. Gives no lines where there is no room at all.
 */
export function wrapText(text: string, columns: number, rows: number): string[] {
  if (columns < 1 || rows < 1) return []
  const lines = text.split(/\r\n|[\r\n]/).flatMap((paragraph) => wrapParagraph(paragraph, columns))
  if (lines.length <= rows) return lines
  const kept = lines.slice(0, rows)
  const last = kept[rows - 1] ?? ''
  kept[rows - 1] =
    Array.from(last)
      .slice(0, Math.max(0, columns - cutMark.length))
      .join('') + cutMark
  return kept
}

function wrapParagraph(paragraph: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  let length = 0
  for (const word of paragraph.split(/\s+/)) {
    const characters = Array.from(word)
    if (length > 0 && length + 1 + characters.length > columns) {
      lines.push(line)
      line = ''
      length = 0
    }
    if (length > 0) {
      line += ' '
      length++
    }
    // A word that is longer than a line is cut.
    let from = 0
    for (; characters.length - from > columns; from += columns) {
      lines.push(characters.slice(from, from + columns).join(''))
    }
    line += characters.slice(from).join('')
    length += characters.length - from
  }
  lines.push(line)
  return lines
}
