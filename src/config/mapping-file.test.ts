import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { parseMappingFile } from './mapping-file.ts'

const parse = (source: string) => parseMappingFile(source, 'file.yaml', 'must map names')

describe('parseMappingFile', () => {
  it('reads YAML and JSON', () => {
    expect(parse('a: { b: 1 }\nc: [x]')).toEqual({ entries: { a: { b: 1 }, c: ['x'] }, problems: [] })
    expect(parse('{"a": {"b": 1}}')).toEqual({ entries: { a: { b: 1 } }, problems: [] })
  })

  it('reports duplicate keys at any depth, with their positions', () => {
    expect(parse('a: 1\nb:\n  c: 1\n  "c": 2\na: 3\n1: x\n"1": y').problems).toEqual([
      'file.yaml: the key "a" is a duplicate (line 5, column 1). Remove one of them.',
      'file.yaml: the key "c" is a duplicate (line 4, column 3). Remove one of them.',
    ])
  })

  it('reports invalid files without throwing', () => {
    expect(parse('[1, 2').problems[0]).toContain('file.yaml: not valid YAML or JSON')
    expect(parse('- a').problems).toEqual(['file.yaml must map names.'])
    expect(parse('a: *b')).toEqual({
      entries: undefined,
      problems: ['file.yaml: not valid YAML: Unresolved alias (the anchor must be set before the alias): b.'],
    })
    const names = 'abcdefghij'.split('')
    const bomb = names.map((name, index) => {
      const items = index === 0 ? 'x' : `*${names[index - 1]}`
      return `${name}: &${name} [${Array.from({ length: 9 }, () => items).join(', ')}]`
    })
    expect(parse(bomb.join('\n')).problems[0]).toContain('Excessive alias count')
  })

  it.each(['a: &a { b: *a }', 'a: &a [*a, *a]', 'a: &a\n  b: { c: [1, { d: *a, e: *a }] }'])(
    'reports an alias within its own anchor: %j',
    (source) => {
      expect(parse(source)).toEqual({
        entries: undefined,
        problems: ['file.yaml: not valid YAML: an alias is within its own anchor. Remove the alias.'],
      })
    },
  )

  it('reports nesting by aliases that is too deep', () => {
    const level = (index: number) =>
      `a${index}: &a${index} ${'['.repeat(100)}${index === 0 ? '' : `*a${index - 1}`}${']'.repeat(100)}`
    expect(parse(Array.from({ length: 50 }, (_, index) => level(index)).join('\n'))).toEqual({
      entries: undefined,
      problems: [
        'file.yaml: not valid YAML: it must have at most 200 levels with its aliases. Reduce the nesting.',
      ],
    })
  })

  it('reads an alias that is used several times', () => {
    expect(parse('a: &a { b: 1 }\nc: [*a, *a]').entries).toEqual({ a: { b: 1 }, c: [{ b: 1 }, { b: 1 }] })
  })

  const hostile: Readonly<Record<string, string>> = {
    quotes: '"'.repeat(64_000),
    'brackets that do not fit': '[}'.repeat(32_000),
    'closing brackets': ']'.repeat(64_000),
    'open brackets': '['.repeat(64_000),
    'open braces of JSON': '{"a":'.repeat(12_000),
    'nested dashes': '- '.repeat(32_000),
    'question marks': '? '.repeat(32_000),
    anchors: '&a '.repeat(20_000),
    aliases: '*a '.repeat(20_000),
    tags: '!a '.repeat(20_000),
    'wrong escapes': `"${'\\q'.repeat(32_000)}"`,
    comments: '# a\n'.repeat(16_000),
    directives: '%a\n'.repeat(20_000),
    documents: '---\na: 1\n'.repeat(7_000),
  }
  it.each(Object.entries(hostile))('rejects 64 KB of %s fast, with a position', async (_, source) => {
    let problems: readonly string[] = []
    const ms = await leastMs(400, () => ({ problems } = parse(source)))
    expect(ms).toBeLessThan(400)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.length).toBeLessThanOrEqual(20)
    for (const problem of problems) expect(problem).toMatch(/^file\.yaml.{1,300}$/)
  })

  it('reads JSON of a megabyte like YAML, and reports a duplicate key in it', () => {
    const text = JSON.stringify({ '"a":': ['"b":', { c: 1, '\\': 2 }], d: {} })
    expect(parse(text)).toEqual({ entries: JSON.parse(text), problems: [] })
    expect(parse('{"a": {"b": 1, "c": 2, "b": 3}}').problems).toEqual([
      'file.yaml: the key "b" is a duplicate (line 1, column 24). Remove one of them.',
    ])
  })

  it('rejects a second document', () => {
    expect(parse('a: 1\n---\nb: 2\n').problems).toEqual([
      'file.yaml: not valid YAML or JSON: a second document starts here, and only one is supported (line 2, column 1).',
    ])
  })

  it('reads many keys in linear time', async () => {
    const source = Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`).join('\n')
    const read = (): void => {
      expect(Object.keys(parse(source).entries ?? {})).toHaveLength(40_000)
    }
    // Comparing each with each took 20 seconds.
    expect(await leastMs(5_000, read)).toBeLessThan(5_000)
  })
})
