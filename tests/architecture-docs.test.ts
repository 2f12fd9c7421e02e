import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { layers } from './support/architecture-rules.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const page = read('docs/architecture.md')

/** The first cells of the rows of the table that follows a line with this text. */
function firstCells(heading: string): string[] {
  const table =
    page
      .slice(page.indexOf(heading))
      .split(/\n(?=\|)/)
      .slice(1)
      .join('\n')
      .split('\n\n')[0] ?? ''
  return table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1]?.trim() ?? '')
}

describe('docs/architecture.md', () => {
  it('lists the folders of src/ in the order of their imports', () => {
    const documented = firstCells('## Folders').map((cell) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    expect(documented).toEqual(layers)
    const folders = readdirSync(new URL('src', root), { withFileTypes: true }).filter((one) =>
      one.isDirectory(),
    )
    expect(new Set(folders.map(({ name }) => name))).toEqual(new Set(layers.flat()))
  })

  it('names files and folders that are there', () => {
    const paths = [
      ...page.matchAll(/`((?:src|tests|scripts|docs|bench|examples)\/[\w./-]*|[\w-]+\.(?:md|env))`/g),
    ]
    const missing = paths.map(([, path]) => path ?? '').filter((path) => !existsSync(new URL(path, root)))
    expect(paths.length).toBeGreaterThan(30)
    expect(missing).toEqual([])
  })

  it('names every file that decides by the operation among those that a new operation may change', () => {
    const section = /### A wire format[^]*?\n### /.exec(page)?.[0] ?? ''
    const named = new Set([...section.matchAll(/`(src\/[\w./-]+)`/g)].map(([, path]) => path))
    const others = new Set([
      // Settings with the same name as an operation.
      'src/config/config.ts',
      'src/config/latency-profiles.ts',
      'src/latency/add-latency.ts',
      // Choose one example of all.
      'src/cli/banner.ts',
      'src/faults/apply-fault.ts',
      // A part of the catalogue's data.
      'src/wire/models/model-catalogue-entries.ts',
    ])
    const decides = /(?<![`*].*)(?:'chatCompletions'|\bchatCompletions: |'embeddings' &&)/
    const deciding = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
      .map((path) => `src/${path.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !others.has(path))
      .filter((path) => !/^src\/(load|cli)\//.test(path) && decides.test(read(path)))
    expect(deciding.length).toBeGreaterThan(5)
    expect(deciding.filter((path) => !named.has(path))).toEqual([])
  })

  it.each(['README.md', 'CONTRIBUTING.md', 'docs/README.md'])('is linked from %s', (path) => {
    expect(read(path)).toMatch(/\((?:docs\/)?architecture\.md\)/)
  })
})
