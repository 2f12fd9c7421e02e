const vocabulary = 'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor'.split(' ')

const WORDS_PER_LINE = 8
const MIN_WORDS = 10
const MAX_WORDS = 1_000
/** One word of the result for each 1,000 bytes of the document. */
const BYTES_PER_WORD = 1_000

/** Page layout of the service, in inches. */
const page = { width: 8.5, height: 11, margin: 1, wordWidth: 0.8, lineHeight: 0.06 }

/** The result for a document: one page of words in lines, each with its position on the page and in the text. */
export function analyzeResult(modelId: string, apiVersion: string, bytes: number): object {
  const wordCount = Math.min(MAX_WORDS, Math.max(MIN_WORDS, Math.round(bytes / BYTES_PER_WORD)))
  const words: object[] = []
  const lines: object[] = []
  let content = ''
  while (words.length < wordCount) {
    if (content !== '') content += '\n'
    const line = { row: lines.length, offset: content.length }
    const count = Math.min(WORDS_PER_LINE, wordCount - words.length)
    for (let column = 0; column < count; column++) {
      if (column > 0) content += ' '
      const word = vocabulary[words.length % vocabulary.length] ?? ''
      const span = { offset: content.length, length: word.length }
      words.push({ content: word, polygon: box(line.row, column, 1), confidence: 0.99, span })
      content += word
    }
    const text = content.slice(line.offset)
    const spans = [{ offset: line.offset, length: text.length }]
    lines.push({ content: text, polygon: box(line.row, 0, count), spans })
  }
  const spans = [{ offset: 0, length: content.length }]
  const { width, height } = page
  return {
    apiVersion,
    modelId,
    stringIndexType: 'textElements',
    content,
    pages: [{ pageNumber: 1, angle: 0, width, height, unit: 'inch', words, lines, spans }],
    paragraphs: [
      { spans, boundingRegions: [{ pageNumber: 1, polygon: box(0, 0, WORDS_PER_LINE) }], content },
    ],
    tables: [],
    styles: [],
    documents: [],
  }
}

/** The corners of `count` words in a line, clockwise from the upper left. */
function box(row: number, column: number, count: number): number[] {
  const left = round(page.margin + column * page.wordWidth)
  const right = round(left + count * page.wordWidth)
  const top = round(page.margin + row * page.lineHeight)
  const bottom = round(top + page.lineHeight)
  return [left, top, right, top, right, bottom, left, bottom]
}

function round(inches: number): number {
  return Math.round(inches * 1_000) / 1_000
}
