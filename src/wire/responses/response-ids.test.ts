import { describe, expect, it } from 'vitest'
import { createRandom } from '../../lib/random.ts'
import { ResponseIds, sharedIdPart } from './response-ids.ts'

describe('ids of the Responses API', () => {
  it('have 50 hexadecimal digits, with the creation time in seconds in the middle', () => {
    const id = new ResponseIds(createRandom('ids')).next('resp', 0x69f23d09)
    expect(id).toMatch(/^resp_[0-9a-f]{16}0069f23d09[0-9a-f]{4}81[0-9a-f]{2}[89ab][0-9a-f]{15}$/)
  })

  it('share two groups of digits within one response, and are unique', () => {
    const ids = new ResponseIds(createRandom('ids'))
    const made = [ids.next('resp', 1), ids.next('rs', 1), ids.next('msg', 2)]
    const digits = made.map((id) => id.slice(id.indexOf('_') + 1))
    expect(new Set(digits.map((text) => text.slice(0, 18))).size).toBe(1)
    expect(new Set(digits.map((text) => text.slice(30, 34))).size).toBe(1)
    expect(new Set(digits).size).toBe(3)
    expect(new Set(made.map(sharedIdPart))).toEqual(new Set([digits[0]?.slice(0, 16)]))
  })

  it.each(['', 'resp', 'resp_', 'resp_short', '0123456789abcdef'])('are not recognized in %j', (text) => {
    expect(sharedIdPart(text)).toBeUndefined()
  })
})
