import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../support/built-program.ts'
import {
  findAnchors,
  findBlocks,
  findFileLinks,
  findHeadingLinks,
  programsOf,
} from '../support/document-blocks.ts'
import { DocumentReader } from '../support/document-reader.ts'
import { needs } from '../support/installed-tool.ts'

const foldersWithDocuments = ['docs', 'infra', 'bench', 'scripts', 'examples', 'tests', 'src']

/** Every document of the repository. */
const documents = [
  ...namesIn('.', false),
  ...foldersWithDocuments.flatMap((folder) => namesIn(folder, true).map((name) => join(folder, name))),
]

function namesIn(folder: string, recursive: boolean): string[] {
  return readdirSync(join(packageFolder, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
    .toSorted()
}

function read(document: string): string {
  return readFileSync(join(packageFolder, document), 'utf8')
}

/** Documents with a block to carry out, each with what it needs of this machine; where a block is not marked, reading it says so. */
const tried = documents.flatMap((document) => {
  try {
    const blocks = findBlocks(read(document))
    return blocks.length > 0 ? [{ document, need: needs(...programsOf(blocks)) }] : []
  } catch {
    return [{ document, need: needs() }]
  }
})

const limits = { timeout: 180_000 }

/** The README, which shows that its commands start the built program, and documents with measured times. */
const startsProcesses = new Set([
  'README.md',
  'docs/03-time-and-streams.md',
  'docs/06-load-test.md',
  'docs/retries.md',
  'docs/two-regions.md',
])

// Concurrently, because they mostly wait for answers.
describe.concurrent.each(tried)('$document', ({ document, need }) => {
  const { isMissing, note } = need
  it.skipIf(isMissing)(`shows commands that work, with their actual output${note}`, limits, async () => {
    const blocks = findBlocks(read(document))
    const reader = new DocumentReader(startsProcesses.has(document))
    try {
      for (const block of blocks) await reader.read(block)
    } finally {
      await reader.close()
    }
    expect(existsSync(reader.folder)).toBe(false)
  })
})

describe.each(documents)('%s', (document) => {
  it('links only to files that exist', () => {
    const folder = dirname(join(packageFolder, document))
    expect(findFileLinks(read(document)).filter((target) => !existsSync(join(folder, target)))).toEqual([])
  })

  it('links only to headings that exist', () => {
    const missing = findHeadingLinks(read(document)).filter(({ target, anchor }) => {
      const file = target === '' ? document : join(dirname(document), target)
      return documents.includes(file) && !findAnchors(read(file)).includes(anchor)
    })
    expect(missing).toEqual([])
  })
})

describe('docs/README.md', () => {
  const listed = findFileLinks(read('docs/README.md'))

  it('lists every document and every decision', () => {
    const files = documents
      .filter((file) => file.startsWith('docs/'))
      .map((file) => file.slice('docs/'.length))
    expect(files.filter((file) => file !== 'README.md' && !listed.includes(file))).toEqual([])
  })

  it('has the numbered guides in their order, and each of them leads to the next', () => {
    const guides = listed.filter((file) => /^\d\d-/.test(file))
    expect(guides).toEqual(guides.toSorted())
    expect(guides.map((file) => file.slice(0, 2))).toEqual(
      guides.map((_, index) => String(index + 1).padStart(2, '0')),
    )
    const ends = guides.slice(0, -1).filter((guide, index) => {
      return !findFileLinks(read(`docs/${guide}`)).includes(guides[index + 1] ?? '')
    })
    expect(ends).toEqual([])
  })
})
