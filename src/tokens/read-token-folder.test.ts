import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OperatorError } from '../lib/operator-error.ts'
import { encodingNames, officialFiles, renderOfficialFile } from './encoding-files.ts'
import { readTokenFolder } from './encoding.ts'

const root = mkdtempSync(join(tmpdir(), 'aoai-token-folder-'))
afterAll(() => rmSync(root, { recursive: true }))

const { cl100k_base: cl100k, o200k_base: o200k } = officialFiles

function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(root, 'folder-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

function failureOf(folder: string): OperatorError {
  try {
    readTokenFolder(folder)
  } catch (error) {
    if (error instanceof OperatorError) return error
    throw error
  }
  throw new Error('The folder was accepted.')
}

describe('readTokenFolder', () => {
  it('returns the texts of the official files', () => {
    const text = renderOfficialFile('cl100k_base')
    const { files, missing } = readTokenFolder(folderWith({ [cl100k.cacheName]: text }))
    expect([...files]).toEqual([['cl100k_base', text]])
    expect(missing).toEqual([expect.stringContaining(`has no file ${o200k.cacheName} for o200k_base.`)])
  })

  it('accepts a missing folder like an empty one', () => {
    const { files, missing } = readTokenFolder(join(root, 'nowhere'))
    expect(files.size).toBe(0)
    expect(missing).toHaveLength(encodingNames.length)
  })

  it('reports the expected name of a file that is named after its encoding', () => {
    const { missing } = readTokenFolder(folderWith({ 'cl100k_base.tiktoken': 'whatever' }))
    expect(missing[0]).toMatch(
      /cl100k_base\.tiktoken is not used: tiktoken expects the file name 9b5ad71b.* Rename it/,
    )
  })

  it.each([
    ['one byte different', (text: string) => text.replace('IQ== 0', 'IQ== 1')],
    ['cut short', (text: string) => text.slice(0, -1)],
    ['with the line ends of Windows', (text: string) => text.replaceAll('\n', '\r\n')],
    ['empty', () => ''],
    ['of the other encoding', () => renderOfficialFile('o200k_base')],
  ])('rejects a file that is %s, with both hashes and the fix', (_, change) => {
    const folder = folderWith({ [cl100k.cacheName]: change(renderOfficialFile('cl100k_base')) })
    const { code, message } = failureOf(folder)
    expect(code).toBe('ENCODINGS_INVALID')
    expect(message).toContain(
      `Could not start: ${join(folder, cl100k.cacheName)} is not cl100k_base.tiktoken with SHA-256 ${cl100k.sha256}`,
    )
    expect(message).toMatch(/\(got [0-9a-f]{64}, \d+ bytes\)\. Delete it and run make setup-tiktoken/)
  })

  it('rejects a file that cannot be read', () => {
    const folder = folderWith({})
    mkdirSync(join(folder, cl100k.cacheName))
    expect(failureOf(folder).message).toMatch(
      /9b5ad71b\S+ cannot be read \(EISDIR.*Set TIKTOKEN_CACHE_DIR to/,
    )
  })
})

describe('useTokenFolder', () => {
  const rankModules = encodingNames.map((name) => `js-tiktoken/ranks/${name}`)
  const text = 'Grüß Gott, 漢字 🙂: it is 1234567 o’clock; that’s all she wrote.\n\n\t{"a": [1, 2]}'
  // Encodings are loaded once per module instance, so each test needs new modules.
  beforeEach(() => vi.resetModules())
  afterEach(() => {
    for (const path of rankModules) vi.doUnmock(path)
  })

  it('loads encodings from the files with the same counts', async () => {
    const bundle = await import('./encoding.ts')
    vi.resetModules()
    // Removes the ranks of js-tiktoken, so that only the files can be used.
    for (const path of rankModules) {
      vi.doMock(path, async () => {
        const { default: file } = await vi.importActual<{ default: object }>(path)
        return { default: { ...file, bpe_ranks: '! 0 IQ==' } }
      })
    }
    const read = await import('./encoding.ts')
    const files = encodingNames.map((name) => [officialFiles[name].cacheName, renderOfficialFile(name)])
    const found = read.useTokenFolder(folderWith(Object.fromEntries(files)))
    expect(found.missing).toEqual([])
    for (const name of encodingNames) {
      expect(read.loadEncoding(name)).not.toBe(bundle.loadEncoding(name))
      expect(read.loadEncoding(name).encode(text)).toEqual(bundle.loadEncoding(name).encode(text))
      expect(read.loadEncoding(name).count(text)).toBe(bundle.loadEncoding(name).count(text))
    }
  })

  it('does not change encodings that are already loaded', async () => {
    const { loadEncoding, useTokenFolder } = await import('./encoding.ts')
    const before = loadEncoding('cl100k_base')
    useTokenFolder(folderWith({ [cl100k.cacheName]: renderOfficialFile('cl100k_base') }))
    expect(loadEncoding('cl100k_base')).toBe(before)
  })
})
