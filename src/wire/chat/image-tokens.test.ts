import { describe, expect, it } from 'vitest'
import { countImagePart, countImageTokens } from './image-tokens.ts'
import { findModel } from '../models/model-catalogue.ts'

const model = (name: string) => findModel(name)!

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

  it('uses a default size for other URLs', () => {
    expect(countImagePart({ url: 'https://example.com/cat.png' }, model('gpt-4o'))).toBe(765)
  })
})
