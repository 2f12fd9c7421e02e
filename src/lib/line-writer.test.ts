import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LineWriter, writeToDescriptor } from './line-writer.ts'

/** An output that completes a write when `take` is called. */
const setUp = () => {
  const written: string[] = []
  const pending: ((error?: unknown) => void)[] = []
  const writer = new LineWriter((text, done) => {
    written.push(text)
    pending.push((error) => done(error))
  })
  return { writer, written, take: (error?: unknown) => pending.shift()?.(error) }
}

describe('LineWriter', () => {
  it('writes several lines at a time, in order', async () => {
    const { writer, written, take } = setUp()
    for (const line of ['a\n', 'b\n', 'c\n']) writer.add(line)
    const flushed = writer.flush(10_000)
    expect(written).toEqual(['a\nb\nc\n'])
    take()
    await flushed
    expect(written).toHaveLength(1)
  })

  it('drops lines above the limit while the output is blocked, and writes their number', async () => {
    const { writer, written, take } = setUp()
    const line = `${'x'.repeat(1_023)}\n`
    for (let index = 0; index < 1_024 + 500; index++) writer.add(line)
    const flushed = writer.flush(10_000)
    for (let index = 0; index < 1_024 + 7; index++) writer.add(line)
    take()
    take()
    await flushed
    expect(written.map((text) => text.split('\n').length - 1)).toEqual([1_025])
    expect(written[0]).toMatch(/\n500 lines were dropped: the output does not keep up\.\n$/)
  })

  it('stops when the output is closed', async () => {
    const { writer, written, take } = setUp()
    writer.add('a\n')
    const flushed = writer.flush(10_000)
    writer.add('b\n')
    take(new Error('EPIPE'))
    await flushed
    writer.add('c\n')
    await writer.flush(10_000)
    expect(written).toEqual(['a\n'])
  })

  it('ends a flush after its time limit', async () => {
    const { writer, written } = setUp()
    writer.add('a\n')
    await writer.flush(1)
    expect(written).toEqual(['a\n'])
  })
})

describe('writeToDescriptor', () => {
  const openFile = (flags: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'lines-'))
    const path = join(folder, 'log')
    closeSync(openSync(path, 'w'))
    const fd = openSync(path, flags)
    onTestFinished(() => {
      closeSync(fd)
      rmSync(folder, { recursive: true })
    })
    return { fd, path }
  }
  const outcome = (fd: number, text: string): Promise<unknown> =>
    new Promise((resolve) => {
      writeToDescriptor(fd)(text, resolve)
    })

  it('appends texts of any size and with any characters', async () => {
    const { fd, path } = openFile('w')
    const texts = ['é\n', `${'x'.repeat(3_000_000)}\n`, 'end\n']
    for (const text of texts) expect(await outcome(fd, text)).toBeUndefined()
    expect(readFileSync(path, 'utf8')).toBe(texts.join(''))
  })

  it('reports a descriptor that cannot be written to', async () => {
    const { fd } = openFile('r')
    expect(await outcome(fd, 'x')).toMatchObject({ code: 'EBADF' })
  })
})
