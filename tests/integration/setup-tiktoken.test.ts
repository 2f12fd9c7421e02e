import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fillTokenFolder } from '../../scripts/fill-token-folder.ts'
import { run } from '../../src/cli/run.ts'
import { officialFiles, renderOfficialFile } from '../../src/tokens/encoding-files.ts'

const root = mkdtempSync(join(tmpdir(), 'aoai-tiktoken-'))
afterAll(() => rmSync(root, { recursive: true }))

const { cl100k_base: cl100k, o200k_base: o200k } = officialFiles
const newFolder = () => mkdtempSync(join(root, 'folder-'))

function sumsOf(folder: string): Record<string, string> {
  const sumOf = (file: string) => createHash('sha256').update(readFileSync(join(folder, file)))
  return Object.fromEntries(readdirSync(folder).map((file) => [file, sumOf(file).digest('hex')]))
}

const officialSums = { [cl100k.cacheName]: cl100k.sha256, [o200k.cacheName]: o200k.sha256 }

async function fill(folder: string, source: { download: boolean; from?: string; timeoutMs?: number }) {
  const said: string[] = []
  await fillTokenFolder(folder, { timeoutMs: 5_000, ...source }, (sentence) => said.push(sentence))
  return said.join('\n')
}

async function withMirror<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/encodings`)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('fillTokenFolder', () => {
  it('writes the official files without a network, once', async () => {
    const folder = join(newFolder(), 'new')
    expect(await fill(folder, { download: false })).toMatch(
      /generated from js-tiktoken\.\n.*generated from js-tiktoken/,
    )
    expect(sumsOf(folder)).toEqual(officialSums)
    expect(await fill(folder, { download: false })).toMatch(/already contains .*\n.*already contains/)
  })

  it('replaces a file that differs from the official one', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, cl100k.cacheName), 'no tokens')
    expect(await fill(folder, { download: false })).toContain('is not cl100k_base.tiktoken (SHA-256')
    expect(sumsOf(folder)).toEqual(officialSums)
  })

  it('downloads from a mirror on request', async () => {
    const folder = newFolder()
    const asked: unknown[] = []
    const said = await withMirror(
      ({ url = '' }, response) => {
        asked.push(url)
        response.end(renderOfficialFile(url.includes('cl100k') ? 'cl100k_base' : 'o200k_base'))
      },
      (from) => fill(folder, { download: true, from }),
    )
    expect(asked).toEqual(['/encodings/cl100k_base.tiktoken', '/encodings/o200k_base.tiktoken'])
    expect(said).toMatch(/downloaded\.\n.*downloaded/)
    expect(sumsOf(folder)).toEqual(officialSums)
  })

  it.each<[string, RequestListener, RegExp, number]>([
    ['has no such file', (_, response) => response.writeHead(404).end(), /the server returned 404/, 30_000],
    [
      'gives something else',
      (_, response) => response.end('<html>'),
      /its SHA-256 must be 2239\w+ \(got/,
      30_000,
    ],
    ['never answers', () => {}, /timeout/, 300],
    ['cuts the connection', (request) => request.socket.destroy(), /fetch failed/, 30_000],
  ])('falls back to js-tiktoken if a mirror %s, and logs why', async (_, listener, reason, timeoutMs) => {
    const folder = newFolder()
    const said = await withMirror(listener, (from) => fill(folder, { download: true, from, timeoutMs }))
    expect(said).toMatch(reason)
    expect(said).toContain('cl100k_base.tiktoken, generated from js-tiktoken.')
    expect(sumsOf(folder)).toEqual(officialSums)
  })
})

describe('TIKTOKEN_CACHE_DIR', () => {
  async function serve(folder: string): Promise<{ code: number; out: string; err: string }> {
    let out = ''
    let err = ''
    const signals = new EventEmitter()
    const stdout = {
      write: (text: string) => {
        out += text
        if (text.includes('runs in')) setTimeout(() => signals.emit('SIGTERM'), 1)
      },
    }
    const env = { PORT: '0', LOG_LEVEL: 'warn', SIMULATOR_API_KEY: 'key', TIKTOKEN_CACHE_DIR: folder }
    const stderr = { write: (text: string) => (err += text) }
    const code = await run({ argv: [], env, workingDirectory: root, stdout, stderr, signals })
    return { code, out, err }
  }

  it('prevents the start if a file differs from the official one', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, o200k.cacheName), 'no tokens')
    const { code, out, err } = await serve(folder)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`${o200k.cacheName} is not o200k_base.tiktoken with SHA-256 ${o200k.sha256} (got`)
  })

  it('can be a folder relative to the working directory, with or without the files', async () => {
    const folder = newFolder()
    await fill(folder, { download: false })
    expect(await serve(folder.slice(root.length + 1))).toMatchObject({ code: 0, err: '' })
    expect(await serve('nowhere')).toMatchObject({ code: 0, err: '' })
  })
})
