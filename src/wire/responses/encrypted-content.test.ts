import { describe, expect, it } from 'vitest'
import { contentOrigin, sealContent } from './encrypted-content.ts'

const text = 'x'.repeat(100)

describe('encrypted content', () => {
  it('has the form of the service and eight characters more than its text', () => {
    const content = sealContent(text, 'default')
    expect(content).toMatch(/^gAAAAA[\w-]+==$/)
    expect(content.length).toBe(text.length + 8)
  })

  it('is recognized by its resource, and differs from that of another resource', () => {
    const content = sealContent(text, 'default')
    expect(contentOrigin(content, 'default')).toBe('here')
    expect(contentOrigin(content, 'west')).toBe('other-resource')
  })

  it.each([
    ['', 'the empty text'],
    ['gAAAAnotmine=', 'content of the service'],
    [`gAAAAA${text}==`, 'content without marks'],
    [sealContent(text, 'default').slice(0, -1), 'truncated content'],
    [sealContent(text, 'default').replace('xx', 'xy'), 'changed content'],
    ['gAAAAA==', 'the frame only'],
  ])('is unknown: %s (%s)', (content) => {
    expect(contentOrigin(content, 'default')).toBe('unknown')
  })
})
