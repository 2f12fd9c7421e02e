import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { glyphOf, GLYPH_WIDTH, drawPicture } from './draw-picture.ts'
import { paint } from './paint.ts'
import type { PictureSpec } from './image-url.ts'

const spec: PictureSpec = {
  text: 'Hi',
  caption: 'gpt-image-1 1024x1024',
  width: 1024,
  height: 1024,
  hash: 12_345,
  transparent: false,
  finished: 1,
}

/** Brightness of the pixel, from 0 to 255. */
const brightness = (png: PNG, x: number, y: number): number => {
  const at = (y * png.width + x) * 4
  return Math.max(...png.data.subarray(at, at + 3))
}

describe('paint', () => {
  it.each([
    [1024, 1024],
    [1792, 1024],
    [1024, 1536],
    [16, 48],
    [1040, 1008],
  ])('returns a PNG file of %i by %i that a decoder reads', async (width, height) => {
    const png = PNG.sync.read(await paint({ ...spec, width, height }))
    expect([png.width, png.height]).toEqual([width, height])
    expect(png.data[3]).toBe(255)
  })

  it('draws the letters of the text as pixels', async () => {
    const png = PNG.sync.read(await paint(spec))
    const scale = 10
    const left = 2 * Math.round(1024 / 24)
    for (const [index, letter] of spec.text.split('').entries()) {
      const rows = glyphOf(letter).map((_, row) =>
        Array.from({ length: GLYPH_WIDTH }, (__, column) => {
          const x = left + (index * (GLYPH_WIDTH + 1) + column) * scale + scale / 2
          return brightness(png, x, left + row * scale + scale / 2) > 200 ? 1 : 0
        }),
      )
      expect(rows.map((bits) => Number.parseInt(bits.join(''), 2))).toEqual(glyphOf(letter))
    }
  })

  it('returns the same bytes for the same spec, and others for another prompt, hash or size', async () => {
    const bytes = await paint(spec)
    expect(await paint({ ...spec })).toEqual(bytes)
    for (const other of [{ text: 'Ho' }, { hash: 54_321 }, { height: 1536 }]) {
      expect((await paint({ ...spec, ...other })).equals(bytes)).toBe(false)
    }
  })

  it('makes the background transparent on request', async () => {
    const png = PNG.sync.read(await paint({ ...spec, transparent: true }))
    expect(png.data[(500 * 1024 + 500) * 4 + 3]).toBe(0)
    expect(png.data[3]).toBe(255)
  })

  it('covers the unfinished part', () => {
    const { pixels } = drawPicture({ ...spec, finished: 0.5 })
    expect(new Set(pixels.subarray(512 * 1024))).toEqual(new Set([3]))
    expect(new Set(pixels.subarray(0, 512 * 1024)).has(3)).toBe(false)
  })

  it('draws a distinct glyph for every printable character, and a box for others', () => {
    const shapes = Array.from({ length: 95 }, (_, i) => glyphOf(String.fromCharCode(32 + i)).join())
    expect(new Set(shapes).size).toBe(95)
    expect(glyphOf('é')).toEqual(glyphOf('\x7f'))
    expect(glyphOf('😀')).toEqual(glyphOf('é'))
    for (const rows of shapes) expect(rows.split(',')).toHaveLength(8)
  })
})
