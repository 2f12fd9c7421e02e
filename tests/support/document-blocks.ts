/** What to do with a fenced block of a document, by the word after its language. */
type BlockUse = 'start' | 'run' | 'dry-run' | 'output'

/** A fenced block of a document that a test carries out, or compares with what was printed. */
export interface DocumentBlock {
  readonly language: string
  readonly use: BlockUse
  readonly text: string
  /** Line of the fence in the document, from 1. */
  readonly line: number
}

const uses: ReadonlySet<string> = new Set<BlockUse>(['start', 'run', 'dry-run', 'output'])
/** What readers copy must be tried; everything else in a block is for reading only. */
const triedLanguages = new Set(['bash', 'sh', 'shell', 'js', 'javascript', 'ts', 'typescript', 'python'])

/**
 * Finds the blocks that a document marks with a word behind their language, which readers do not see:
 *
 * - `bash start`: starts the simulator; the blocks that follow are carried out while it runs.
 * - `bash run`, `js run`: is carried out, and must succeed.
 * - `bash dry-run`: is a make command that is planned and not carried out.
 * - `text output`: is what the block before printed; `…` stands for anything.
 *
 * @throws {Error} for commands that are not marked, so that none escapes
 */
export function findBlocks(markdown: string): DocumentBlock[] {
  const fence = /^```([^\n`]*)\n([^]*?)^```$/gm
  return [...markdown.matchAll(fence)].flatMap(({ 1: info = '', 2: text = '', index }) => {
    const [language = '', use = ''] = info.trim().split(' ')
    const line = markdown.slice(0, index).split('\n').length
    if (isUse(use)) return [{ language, use, text, line }]
    if (!triedLanguages.has(language)) return []
    throw new Error(`The ${language} block in line ${line} is not tried. Mark it start, run or dry-run.`)
  })
}

function isUse(word: string): word is BlockUse {
  return uses.has(word)
}

/** Values that differ with each run, in documents and in what is printed: what they are replaced by on both sides. */
const volatile: readonly (readonly [RegExp, string])[] = [
  [/http:\/\/(127\.0\.0\.1|localhost):\d+/g, 'http://127.0.0.1:PORT'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'GUID'],
  [/\b[0-9a-f]{32}\b/g, 'KEY'],
  [/\b(chatcmpl|cmpl)-[A-Za-z0-9]{29}\b/g, '$1-ID'],
  [/"created":\d{10}/g, '"created":SECONDS'],
  [/\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT/g, 'DATE'],
  [/\r/g, ''],
]

/** Whether a program printed what the document says, values that differ with each run aside. */
export function isAsDocumented(printed: string, documented: string): boolean {
  const parts = settle(documented.trim()).split('…')
  const pattern = parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^]*?')
  return new RegExp(`^${pattern}$`).test(settle(printed.trim()))
}

function settle(text: string): string {
  return volatile.reduce((settled, [pattern, word]) => settled.replace(pattern, word), text)
}

/** Targets of the links to other files of the repository, without their anchors. */
export function findFileLinks(markdown: string): string[] {
  const prose = markdown.replace(/^```[^]*?^```$/gm, '')
  return [...prose.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}
