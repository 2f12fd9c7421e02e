const vocabulary = 'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor'.split(' ')

const wordsPerLine = 8
const fewestWords = 10
const mostWords = 1_000
/** So many bytes of a document make one word of its result. */
const bytesPerWord = 1_000

/** A page of an inch-based document, as the service lays it out. */
const page = { width: 8.5, height: 11, margin: 1, wordWidth: 0.8, lineHeight: 0.06 }

/** What was read in a document: one page of words in lines, each with its place on the page and in the text. */
export function analyzeResult(modelId: string, apiVersion: string, bytes: number): object {
  const wordCount = Math.min(mostWords, Math.max(fewestWords, Math.round(bytes / bytesPerWord)))
  const words: object[] = []
  const lines: object[] = []
  let content = ''
  while (words.length < wordCount) {
    if (content !== '') content += '\n'
    const line = { row: lines.length, offset: content.length }
    const count = Math.min(wordsPerLine, wordCount - words.length)
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
    paragraphs: [{ spans, boundingRegions: [{ pageNumber: 1, polygon: box(0, 0, wordsPerLine) }], content }],
    tables: [],
    styles: [],
    documents: [],
  }
}

/** The corners of some words in a line, clockwise from the upper left. */
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
