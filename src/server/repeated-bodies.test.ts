import { describe, expect, it } from 'vitest'
import { createRepeatedBodies } from './read-body.ts'

const chat = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }))

describe('createRepeatedBodies', () => {
  it('returns the same frozen JSON for a repeated body', () => {
    const readJson = createRepeatedBodies()
    const [first, second, third] = [1, 2, 3].map(() => readJson(chat('Hi')))
    expect(first).toEqual({ messages: [{ role: 'user', content: 'Hi' }] })
    expect(second).toEqual(first)
    expect(third).toBe(second)
    expect(() => Object.assign((third as { messages: object[] }).messages[0]!, { role: 'x' })).toThrow(
      TypeError,
    )
  })

  it('returns mutable JSON for a new body', () => {
    const readJson = createRepeatedBodies()
    expect(Object.isFrozen(readJson(chat('Hi')))).toBe(false)
  })

  it('distinguishes bodies that differ in one byte', () => {
    const readJson = createRepeatedBodies()
    const text = 'x'.repeat(1_000)
    for (let at = 0; at < text.length; at++) {
      const content = `${text.slice(0, at)}y${text.slice(at + 1)}`
      for (let time = 0; time < 3; time++) {
        expect(readJson(chat(content))).toEqual({ messages: [{ role: 'user', content }] })
      }
    }
  })

  it('stores a copy of the bytes, because their buffer is reused', () => {
    const readJson = createRepeatedBodies()
    const body = chat('one')
    for (let time = 0; time < 3; time++) readJson(body)
    body.write('two', body.indexOf('one'))
    expect(readJson(body)).toEqual({ messages: [{ role: 'user', content: 'two' }] })
    expect(readJson(chat('one'))).toEqual({ messages: [{ role: 'user', content: 'one' }] })
  })

  it('returns undefined for invalid JSON, each time', () => {
    const readJson = createRepeatedBodies()
    for (let time = 0; time < 3; time++) expect(readJson(Buffer.from('{"a":'))).toBeUndefined()
  })
})
