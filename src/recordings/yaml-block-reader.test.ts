import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createRandom } from '../lib/random.ts'
import { readBlock } from './yaml-block-reader.ts'
import { readFullYaml } from './yaml-full-reader.ts'
import { PlainText } from './yaml-value.ts'

const fast = (text: string) => {
  const read = readBlock(text, 0)
  return read && read.end === text.length ? read.value : undefined
}
const full = (text: string) => {
  const read = readFullYaml(text)
  return 'value' in read ? read.value : read.problem
}

const layouts: readonly (readonly [name: string, text: string, value: unknown])[] = [
  ['a plain text', 'a: some words\n', 'some words'],
  ['a plain text over lines', 'a: some\n  more\n\n  words\n', 'some more\nwords'],
  ['a number as it was written', 'a: 1.10\n', new PlainText('1.10')],
  ['nothing', 'a:\n', null],
  ['a null', 'a: null\n', null],
  ['a null in quotes', "a: 'null'\n", 'null'],
  ['single quotes', "a: 'it''s'\n", "it's"],
  ['single quotes over lines', "a: 'data: x\n\n\n    data: y\n\n\n    '\n", 'data: x\n\ndata: y\n\n'],
  ['double quotes', 'a: "\\u00e9\\n\\x41\\"\\\\"\n', 'é\nA"\\'],
  ['double quotes over lines', 'a: "one\n  two\\\n  \\ three\\n\n\n  four"\n', 'one two three\n\nfour'],
  ['a literal block', 'a: |\n  {\n    "b": 1\n  }\n', '{\n  "b": 1\n}\n'],
  ['a literal block without its end', 'a: |-\n  x\n\n', 'x'],
  ['a literal block with all of its end', 'a: |+\n  x\n\n\nb: 1\n', 'x\n\n\n'],
  ['bytes', 'a: !!binary |\n  //4A\n  AQ==\n', Buffer.from([255, 254, 0, 1])],
  ['bytes with the tag of Ruby', 'a: !binary |-\n  //4A\n  AQ==\n', Buffer.from([255, 254, 0, 1])],
  ['JSON', 'a: {"b": [1, null, "c"]}\n', new Map([['b', [new PlainText('1'), null, 'c']]])],
  ['a list in the column of its key', 'a:\n- x\n- y\n', ['x', 'y']],
  ['an indented list', 'a:\n  - x\n  -   y\n', ['x', 'y']],
  ['an empty map', 'a: {}\n', new Map()],
  ['comments and empty lines', '# one\na: x # two\n\n# three\n', 'x'],
  ['a text on the line after its key', "a:\n  'x'\n", 'x'],
  ['a quoted text with tabs at the start of lines', 'a:\n  \'{\n\t\t"error": 1\n\t\t}\'\n', '{ "error": 1 }'],
  ['tabs beside line breaks in double quotes', 'a: "b \t\n\t \tc\\\n\t d"\n', 'b cd'],
]

describe('readBlock', () => {
  it.each(layouts)('reads %s like the full parser', (_, text, value) => {
    const map = fast(text) as Map<string, unknown>
    expect(map.get('a')).toEqual(value)
    expect(full(text)).toEqual(map)
  })

  it.each([
    ['anchors', 'a: &x b\nc: *x\n'],
    ['folded blocks', 'a: >\n  b\n  c\n'],
    ['other tags', 'a: !!python/unicode b\n'],
    ['flow style over lines', 'a: {b: 1,\n  c: 2}\n'],
    ['an unterminated quote', "a: 'b\n"],
    ['a colon in a plain text', 'a: b: c\n'],
    ['tabs', 'a:\n\tb: c\n'],
    ['keys that are not plain', '? a\n: b\n'],
    ['blocks with an indentation indicator', 'a: |2\n    b\n'],
    ['wrong indentation', 'a: 1\n  b: 2\n'],
    ['duplicate keys', 'a: 1\na: x\n'],
    ['merge keys', 'a: 1\n<<: {b: 2}\n'],
  ])('leaves %s to the full parser', (_, text) => expect(fast(text)).toBeUndefined())

  it('agrees with the full parser on random values', () => {
    const random = createRandom('yaml')
    const characters = [
      'a',
      'b ',
      ' ',
      '\n',
      '\t',
      '"',
      "'",
      '\\',
      '{',
      ']',
      ':',
      ': ',
      ' #',
      '- ',
      '|',
      '>',
      '&',
      '!',
      'é',
      '😀',
      '%',
      '\r',
      'null',
      '1',
    ]
    const text = (): string =>
      Array.from({ length: random.below(25) }, () => characters[random.below(characters.length)]).join('')
    let read = 0
    for (let round = 0; round < 300; round++) {
      const value = [{ key: text(), list: [text(), text()], map: { [`k${round}`]: text() }, end: text() }]
      const options = { lineWidth: 20 + random.below(100), blockQuote: random.below(2) === 0 }
      const yaml = stringify(value, { ...options, defaultStringType: round % 2 ? 'PLAIN' : 'QUOTE_SINGLE' })
      const ours = fast(yaml)
      if (ours === undefined) continue
      read++
      expect(ours).toEqual(full(yaml))
    }
    expect(read).toBeGreaterThan(150)
  })
})
