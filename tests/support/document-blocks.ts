import { testPrograms } from './installed-tool.ts'

/** What to do with a fenced block of a document, by the word after its language. */
type BlockUse = 'start' | 'run' | 'dry-run' | 'needs' | 'original' | 'output'

/** A fenced block of a document that a test runs, or compares with the printed output. */
export interface DocumentBlock {
  readonly language: string
  readonly use: BlockUse
  /** Of a block with `needs`: the programs that stand-ins take the place of. */
  readonly tools: readonly string[]
  readonly text: string
  /** Line of the fence in the document, from 1. */
  readonly line: number
}

const uses: ReadonlySet<string> = new Set<BlockUse>([
  'start',
  'run',
  'dry-run',
  'needs',
  'original',
  'output',
])
/** What readers copy must be tried; everything else in a block is for reading only. */
const triedLanguages = new Set(
  'bash sh shell zsh console powershell js javascript mjs ts typescript python py'.split(' '),
)
/** A line to paste into a shell. Variables may precede the program, and a prompt may precede both. */
const commandLine =
  /^\s*(\$ )?([A-Z_]+=\S* )*(aoai-sim|az|cd|curl|docker|export|git|helm|k6|kubectl|make|node|npm|npx|pip3?|promtool|python3?|redis-server|terraform|tsx)(?= |$)/m

/** What a program of the tests is called by: at the start of a command. */
const called = new RegExp(
  `(?:^|[|;&(]|\\b(?:then|do|else)\\b)\\s*(?:[A-Z_]+=\\S* )*(${[...testPrograms.keys()].join('|')})(?=\\s|$)`,
  'gm',
)
/** The deploy scripts try what they have deployed. */
const deployment = /^make deploy-/m

/** The programs of `.ci/programs` that carrying out these blocks takes, those aside that have stand-ins. */
export function programsOf(blocks: readonly DocumentBlock[]): string[] {
  const found = blocks.flatMap(({ language, use, tools, text }) => {
    if (language !== 'bash' || use === 'dry-run') return []
    const names = [...text.matchAll(called)].map(([, name = '']) => name)
    if (deployment.test(text)) names.push('curl')
    return names.filter((name) => !tools.includes(name))
  })
  return [...new Set(found)]
}

/**
 * Finds the blocks that a document marks with a word behind their language, which readers do not see:
 *
 * - `bash start`: starts the simulator; the blocks that follow are carried out while it runs.
 * - `bash run`, `js run`: is carried out, and must succeed.
 * - `bash dry-run`: holds make commands, which are planned and not carried out.
 * - `bash needs docker,az`: needs programs or accounts that a test machine does not have; it is carried out with stand-ins for these.
 * - `python original`: is code of the Python simulator, shown beside ours.
 * - `text output`: the output of the previous block. `…` matches anything.
 *
 * @throws {Error} for commands that are not marked, whatever their block says that it is, so that none escapes; and for a dry
 * run of anything but make
 */
export function findBlocks(markdown: string): DocumentBlock[] {
  const fence = /^( *)```([^\n`]*)\n([^]*?)^\1```$/gm
  return [...markdown.matchAll(fence)].flatMap(({ 2: info = '', 3: text = '', index }) => {
    const [language = '', use = '', tools = ''] = info.trim().split(' ')
    const line = markdown.slice(0, index).split('\n').length
    if (use === 'dry-run' && !/^(make .*\n)*$/.test(text)) {
      throw new Error(
        `The block in line ${line} plans more than make commands. Mark it bash run or needs <programs>.`,
      )
    }
    if (isUse(use)) return [{ language, use, tools: tools.split(',').filter(Boolean), text, line }]
    if (!triedLanguages.has(language) && !isCommand(language, text)) return []
    throw new Error(
      `The ${language || 'unnamed'} block in line ${line} is not tried. Mark it bash start, run, dry-run or needs <programs>.`,
    )
  })
}

function isUse(word: string): word is BlockUse {
  return uses.has(word)
}

function isCommand(language: string, text: string): boolean {
  return (language === '' || language === 'text') && commandLine.test(text)
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

/** Targets of the links and pictures that are other files of the repository, without their anchors. */
export function findFileLinks(markdown: string): string[] {
  const prose = markdown.replace(/^```[^]*?^```$/gm, '')
  return [...prose.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** Links of a document to a heading, as the file (empty: the document itself) and the anchor. */
export function findHeadingLinks(markdown: string): { target: string; anchor: string }[] {
  const prose = markdown.replace(/^```[^]*?^```$/gm, '')
  return [...prose.matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)].map(([, target = '', anchor = '']) => ({
    target,
    anchor,
  }))
}

/** Anchors that GitHub gives to the headings of a document. */
export function findAnchors(markdown: string): string[] {
  const prose = markdown.replace(/^```[^]*?^```$/gm, '')
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}
