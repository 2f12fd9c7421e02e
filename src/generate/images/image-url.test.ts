import { describe, expect, it } from 'vitest'
import { createImageUrl, readImageUrl, type PictureSpec } from './image-url.ts'

const spec: PictureSpec = {
  text: 'a cat',
  caption: 'dall-e-3 1024x1024',
  width: 1024,
  height: 1024,
  hash: 1,
  transparent: false,
  finished: 1,
}
const DAY_MS = 24 * 60 * 60 * 1_000
const facts = { origin: 'http://host:1', id: 'an-id', apiKey: 'key', epochMs: Date.UTC(2026, 0, 1) }

const read = (url: string, { apiKey = 'key', afterMs = 0 } = {}): PictureSpec | undefined => {
  const { pathname, searchParams } = new URL(url)
  return readImageUrl(pathname, Object.fromEntries(searchParams), apiKey, facts.epochMs + afterMs)
}

describe('image URL', () => {
  it('has the format of the service and contains the picture', () => {
    const url = createImageUrl(spec, facts)
    expect(url).toMatch(/^http:\/\/host:1\/images\/an-id\/generated_00\.png\?se=2026-01-02T00%3A00%3A00Z&/)
    expect(read(url)).toEqual(spec)
  })

  it('is valid for a day', () => {
    const url = createImageUrl(spec, facts)
    expect(read(url, { afterMs: DAY_MS - 1 })).toEqual(spec)
    expect(read(url, { afterMs: DAY_MS })).toBeUndefined()
  })

  it('is invalid after any change', () => {
    const url = createImageUrl(spec, facts)
    const query = url.indexOf('?')
    const changed = Array.from(url, (character, at) => {
      return url.slice(0, at) + (character === 'x' ? 'y' : 'x') + url.slice(at + 1)
    })
    // Without the question mark there is no query.
    const readable = changed.filter((_, at) => at > url.indexOf('/images/') && at !== query)
    for (const other of readable) expect(read(other)).toBeUndefined()
    expect(read('http://host:1/images/an-id/generated_00.png')).toBeUndefined()
    expect(read(url, { apiKey: 'another' })).toBeUndefined()
  })

  it('stays far below the 16 KB header limit of Node for any prompt', () => {
    let state = 1
    const noise = Array.from({ length: 4_000 }, () => {
      state = (state * 48_271) % 0x7fff_ffff
      return String.fromCharCode(32 + (state % 95))
    }).join('')
    expect(createImageUrl({ ...spec, text: noise }, facts).length).toBeLessThan(6_000)
  })
})
