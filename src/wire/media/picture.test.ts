import { describe, expect, it } from 'vitest'
import { imageSize } from './picture.ts'

const dataUrl = (bytes: readonly number[]): string =>
  `data:image/png;base64,${Buffer.from([...bytes, ...Array<number>(40).fill(0)]).toString('base64')}`
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')]

describe('imageSize', () => {
  it.each([
    ['PNG', [0x89, ...text('PNG\r\n\x1a\n'), 0, 0, 0, 13, ...text('IHDR'), 0, 0, 2, 128, 0, 0, 1, 224]],
    ['GIF', [...text('GIF89a'), 0x80, 2, 0xe0, 1]],
    ['JPEG', [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xff, 0xc2, 0, 17, 8, 1, 0xe0, 2, 0x80, 3]],
    ['lossy WebP', [...text('RIFF____WEBPVP8 ____'), 0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]],
    ['lossless WebP', [...text('RIFF____WEBPVP8L____'), 0x2f, 0x7f, 0xc2, 0x77, 0]],
    ['extended WebP', [...text('RIFF____WEBPVP8X____'), 0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]],
  ])('returns the size in the header of a %s', (_, bytes) => {
    expect(imageSize(dataUrl(bytes))).toEqual({ width: 640, height: 480 })
  })

  it.each(['data:image/png;base64,', 'data:image/png', 'data:,', 'data:image/jpeg;base64,/9j/', 'x', ''])(
    'does not know the size of what is cut off or broken: %j',
    (url) => {
      expect(imageSize(url)).toBeUndefined()
    },
  )

  it('returns the size in a URL', () => {
    expect(imageSize('https://source.unsplash.com/8xznAGy4HcY/800x400')).toEqual({ width: 800, height: 400 })
    expect(imageSize('https://example.com/cat-12x.png')).toBeUndefined()
  })
})
