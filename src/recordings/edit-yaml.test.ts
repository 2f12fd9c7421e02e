import { describe, expect, it } from 'vitest'
import { createRedactor } from './redact-interaction.ts'
import { editYaml } from './edit-yaml.ts'
import { readInteraction } from './read-interaction.ts'
import { patchItem } from './write-item.ts'
import { readItems } from './yaml-item.ts'
import { isYamlMap } from './yaml-value.ts'

const key = '9aF3kLmQ8xZ2vB7nT5yR'
const istr = '? !!python/object/apply:multidict._multidict.istr'
const item = `- request:
    body:   # a comment
    headers:
      ${istr}
      - Authorization
      : - Bearer ${key}
      ${istr}
      - Content-Type
      : - application/json
      ${istr} ['User-Agent']
      : - 'aio/1'
    method: POST
    parsed_body: {api_key: "${key}", n: 1, text: plain}
    uri: 'https://h/v1/x?api-key=${key}&b=2'
  response:
    content: |
      {"token":"${key}"}
    headers: {"X-A": ["1"], Set-Cookie: [a=${key}], b: ['2']}
    http_version: HTTP/1.1
    status:
      code: 200
      message: ''
`

/** Removes credentials from an item; undefined if it cannot be edited in place. */
function scrubbed(text: string): string | undefined {
  const read = readItems(text)
  if ('problem' in read) throw new Error(read.problem.reason)
  const [value = null] = read.values
  const interaction = readInteraction(value)
  if ('problem' in interaction || !isYamlMap(value)) throw new Error('not an interaction')
  const clean = createRedactor([]).interaction(interaction.interaction)
  return editYaml(text, [value], [patchItem(value, interaction.interaction, clean)])
}

describe('editYaml', () => {
  it('changes only lines with credentials, also with comments, tags, flow style and empty messages', () => {
    expect(scrubbed(item)).toBe(
      item
        .replace(`      ${istr}\n      - Authorization\n      : - Bearer ${key}\n`, '')
        .replace(`api_key: "${key}"`, 'api_key: "[redacted]"')
        .replace(`api-key=${key}`, 'api-key=REDACTED')
        .replace(`{"token":"${key}"}`, '{"token":"[redacted]"}')
        .replace(` Set-Cookie: [a=${key}],`, ''),
    )
  })

  it.each([
    ['the first', "{Cookie: [a], x: ['1']}", "{x: ['1']}"],
    ['the last', "{x: ['1'], Cookie: [a]}", "{x: ['1']}"],
    ['the only', '{Cookie: [a]}', '{}'],
    ['the only one of a block', '\n      Cookie:\n      - a', '\n      {}'],
    ['the last one of a block', '\n      x: y # kept\n      Cookie: a # removed', '\n      x: y # kept'],
  ])('removes %s header', (_, before, after) => {
    const text = (headers: string): string => item.replace(/headers: \{.*\}/, `headers: ${headers}`)
    expect(scrubbed(text(before))).toBe(scrubbed(text(after)))
  })

  it('keeps CR LF', () => {
    const text = item.replaceAll('\n', '\r\n').replace(/content: \|\r\n +/, 'content: ')
    expect(scrubbed(text)).toBe(scrubbed(text.replaceAll('\r\n', '\n'))?.replaceAll('\n', '\r\n'))
  })

  it('does not edit a value that an alias repeats', () => {
    const shared = item.replace('content: |', 'note: *u\n    content: |').replace("uri: '", "uri: &u '")
    expect(scrubbed(shared)).toBeUndefined()
  })
})
