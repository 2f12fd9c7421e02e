import { describe, expect, it } from 'vitest'
import { countImagePart, countImageTokens, imageSize } from './image-tokens.ts'
import { findModel } from '../models/model-catalogue.ts'

const model = (name: string) => findModel(name)!
const dataUrl = (bytes: readonly number[]): string =>
  `data:image/png;base64,${Buffer.from([...bytes, ...Array<number>(40).fill(0)]).toString('base64')}`
const text = (value: string): number[] => [...Buffer.from(value, 'latin1')]

describe('countImageTokens', () => {
  it.each([
    ['gpt-4o', 'high', 640, 480, 425], // captured: gpt-4o on Azure, 2026-01
    ['gpt-4-turbo', 'auto', 800, 400, 425], // billed: gpt-4-vision-preview
    ['gpt-4o', 'high', 1_024, 1_024, 765], // OpenAI, "Images and vision"
    ['gpt-4o', 'high', 2_048, 4_096, 1_105], // OpenAI, "Images and vision"
    ['gpt-4o', 'low', 4_096, 8_192, 85],
    ['gpt-4o-mini', 'high', 512, 512, 8_500],
    ['o1', 'high', 512, 512, 225],
    ['gpt-5', 'high', 512, 512, 210],
  ])('counts tiles: %s, %s, %i x %i', (name, detail, width, height, tokens) => {
    expect(countImageTokens(model(name), detail, width, height)).toBe(tokens)
  })

  it.each([
    ['gpt-4.1-mini', 1_024, 1_024, 1_660], // OpenAI: 1,024 patches
    ['gpt-4.1-mini', 1_800, 2_400, 2_354], // OpenAI: 1,452 patches
    ['gpt-4.1-mini', 640, 480, 488], // billed, 2026
    ['gpt-4.1-nano', 128, 128, 41], // billed, 2026-06
    ['gpt-4.1-nano', 540, 360, 503], // billed, 2026
    ['gpt-5-nano', 640, 480, 451], // billed, 2026
    ['gpt-5.4', 60, 30, 4], // billed, 2026-05
    ['gpt-5.4', 240, 278, 88], // billed, 2026-05
    ['gpt-5.4', 10_000, 10_000, 3_001],
    ['gpt-5.4-mini', 10_000, 10_000, Math.ceil(39 * 39 * 1.2) + 1],
  ])('counts patches within the limits of the model: %s, %i x %i', (name, width, height, tokens) => {
    expect(countImageTokens(model(name), 'high', width, height)).toBe(tokens)
  })

  it.each([
    ['gpt-5.4', 'low', 16 * 16],
    ['gpt-5.4', 'high', 2_500],
    ['gpt-5.4', 'auto', 2_500],
    ['gpt-5.4', null, 2_500],
    ['gpt-5.4', 'original', 10_000],
    ['gpt-5.5', 'auto', 10_000],
    ['gpt-5.6-sol', 'high', 2_500],
    ['gpt-5.6-sol', undefined, 125 * 125],
    ['gpt-5-mini', 'original', 39 * 39],
    ['gpt-5-mini', 'low', 16 * 16],
  ])(
    'limits the patches of an image of 4,000 x 4,000 by detail: %s, %s, %i patches',
    (name, detail, patches) => {
      const multiplier = 1.2
      expect(countImageTokens(model(name), detail, 4_000, 4_000)).toBe(Math.ceil(patches * multiplier) + 1)
    },
  )

  it('counts at least one tile or patch', () => {
    expect(countImageTokens(model('gpt-4o'), 'high', 1, 50_000)).toBe(85 + 170 * 4)
    expect(countImageTokens(model('o4-mini'), 'high', 1, 1_000_000)).toBeGreaterThan(0)
  })
})

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

  it('returns the size in a URL, and a default is used for other URLs', () => {
    expect(imageSize('https://source.unsplash.com/8xznAGy4HcY/800x400')).toEqual({ width: 800, height: 400 })
    expect(imageSize('https://example.com/cat-12x.png')).toBeUndefined()
    expect(countImagePart({ url: 'https://example.com/cat.png' }, model('gpt-4o'))).toBe(765)
  })
})
