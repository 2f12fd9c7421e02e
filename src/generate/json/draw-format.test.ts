import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { drawFormat, fitFormat } from './draw-format.ts'

const ajv = new Ajv()
addFormats.default(ajv)

/** Formats that ajv supports. */
const formats = [
  'date',
  'time',
  'iso-time',
  'date-time',
  'iso-date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
  'uri',
  'url',
  'uri-reference',
  'uri-template',
  'json-pointer',
  'relative-json-pointer',
  'regex',
  'byte',
]
const fits = (format: string, text: string | undefined): boolean =>
  text !== undefined && ajv.validate({ type: 'string', format }, text)

describe('drawFormat', () => {
  it.each(formats)('draws texts of the format %s', (format) => {
    const random = createRandom(format)
    const texts = Array.from({ length: 100 }, () => drawFormat(format, random))
    expect(texts.filter((text) => !fits(format, text))).toEqual([])
  })

  it('returns undefined for an unknown format', () => {
    for (const format of ['color', 7, undefined])
      expect(drawFormat(format, createRandom('x'))).toBeUndefined()
  })
})

describe('fitFormat', () => {
  it.each(['uri', 'url', 'uri-reference', 'uri-template', 'json-pointer', 'regex'])(
    'fills a text of the format %s up to a length',
    (format) => {
      const text = fitFormat(format, 300, 400)
      expect(text).toHaveLength(300)
      expect(fits(format, text)).toBe(true)
    },
  )

  it.each([
    ['email', 6],
    ['hostname', 4],
    ['uri', 3],
    ['ipv6', 3],
    ['duration', 3],
  ])('shortens a text of the format %s to %i characters', (format, max) => {
    const text = fitFormat(format, 0, max)
    expect(text).toHaveLength(max)
    expect(fits(format, text)).toBe(true)
  })

  it('returns undefined for a format with texts of one length', () => {
    expect(fitFormat('uuid', 0, 10)).toBeUndefined()
    expect(fitFormat('email', 300, 400)).toBeUndefined()
  })
})
