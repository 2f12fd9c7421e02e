import { describe, expect, it } from 'vitest'
import { pushedFrom } from '../answer/pushed-chunks.ts'
import { createKeyMask } from './key-mask.ts'

const key = 'abcab-0123456789'

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Buffer, undefined> {
  for (const text of texts) yield Buffer.from(text)
}

const masked = (chunks: AsyncIterable<Uint8Array>) =>
  pushedFrom(chunks).through(createKeyMask([key]).filter())

const read = async (...texts: readonly string[]): Promise<string[]> => {
  const got: string[] = []
  for await (const chunk of masked(chunksOf(...texts))) got.push(Buffer.from(chunk).toString())
  return got
}

describe('key mask', () => {
  const body = `abca ${key}${key} abcabcab ${key.slice(0, -1)} ab`
  const expected = body.replaceAll(key, '*'.repeat(key.length))

  it('finds a key that is split between chunks, and keeps the length', async () => {
    for (let size = 1; size <= body.length; size++) {
      const cut = body.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
      expect((await read(...cut)).join('')).toBe(expected)
    }
  })

  it('passes on bytes that cannot be the start of a key immediately', async () => {
    expect(await read('data: {"a":1}\n\n', 'data: abc', 'x\n\n')).toEqual([
      'data: {"a":1}\n\n',
      'data: ',
      'abcx\n\n',
    ])
  })

  it('passes on waiting bytes when the source fails', async () => {
    const failing = async function* (): AsyncGenerator<Buffer, undefined> {
      yield Buffer.from('x abc')
      throw new Error('broken')
    }
    let got = ''
    const reading = async (): Promise<void> => {
      for await (const chunk of masked(failing())) got += Buffer.from(chunk).toString()
    }
    await expect(reading()).rejects.toThrow('broken')
    expect(got).toBe('x abc')
  })
})
