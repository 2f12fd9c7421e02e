import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cassette, cassetteItem, recordingFolder } from '../../tests/support/recording-folder.ts'
import { scanRecordingFile } from './scan-recording-file.ts'
import { recordingFileHeader } from './yaml-format.ts'

const scan = (text: string | Buffer) => {
  const dir = recordingFolder({ 'a.yaml': text })
  const { found, problems } = scanRecordingFile(join(dir, 'a.yaml'), ({ request }, { line, length }) => ({
    body: Buffer.from(request.body ?? []).toString(),
    line,
    isSlice: length > 0,
  }))
  return {
    bodies: found.map(({ body }) => body),
    lines: found.map(({ line }) => line),
    slices: found.every(({ isSlice }) => isSlice),
    problems: problems.map(({ line, reason }) => `${line}: ${reason}`),
  }
}

const item = (body: string) => cassetteItem(body, '{}')
const threeItems = cassette(item('{"n":1}'), item('{"n":2}'), item('{"n":3}'))

describe('scanRecordingFile', () => {
  it('returns each interaction with its line', () => {
    expect(scan(threeItems)).toEqual({
      bodies: ['{"n":1}', '{"n":2}', '{"n":3}'],
      lines: [2, 18, 34],
      slices: true,
      problems: [],
    })
  })

  it.each([
    ['CRLF line ends', threeItems.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${threeItems}`],
    ['a document marker and comments', `---\n# mine\n${threeItems}`],
    ['the version in front', `version: 1\n${threeItems.replace('version: 1\n', '')}`],
    ['an indented list', threeItems.replace(/^(?=[- ])/gm, '  ')],
    ['a folded answer', threeItems.replaceAll("string: '{}'", 'string: >\n        a\n        b')],
  ])('reads a file with %s item by item', (_, text) => {
    expect(scan(text)).toMatchObject({
      bodies: ['{"n":1}', '{"n":2}', '{"n":3}'],
      slices: true,
      problems: [],
    })
  })

  it.each([
    [
      'that is JSON',
      JSON.stringify({
        version: 1,
        interactions: [
          {
            request: { method: 'GET', uri: '/', body: '{"n":1}' },
            response: { status: { code: 200 }, body: { string: '' } },
          },
        ],
      }),
    ],
    [
      'with aliases between items',
      threeItems
        .replace('body: \'{"n":1}\'', 'body: &b \'{"n":1}\'')
        .replace('body: \'{"n":2}\'', 'body: *b'),
    ],
  ])('parses a file %s completely', (_, text) => {
    const { bodies, slices, problems } = scan(text)
    expect(problems).toEqual([])
    expect(bodies.slice(0, 2).every((body) => body === '{"n":1}')).toBe(true)
    expect(slices).toBe(false)
  })

  it('reports the line of an invalid item, and returns the others', () => {
    const broken = threeItems.replace('body: \'{"n":2}\'', `body: '{"n":2}`)
    const { bodies, problems } = scan(broken)
    expect(bodies).toEqual(['{"n":1}', '{"n":3}'])
    expect(problems).toHaveLength(1)
    expect(Number.parseInt(problems[0] ?? '', 10)).toBeGreaterThanOrEqual(18)
    expect(Number.parseInt(problems[0] ?? '', 10)).toBeLessThan(34)
  })

  it.each([
    ['    method: POST\n', '2: request has no method (it has body, headers, uri)'],
    [
      '    uri: https://api.openai.com/v1/chat/completions\n',
      '2: request has no uri (it has body, headers, method)',
    ],
    ["    body:\n      string: '{}'\n", '2: response has no body (it has headers, status)'],
    ['      code: 200\n', '2: response.status.code must be an integer from 200 to 999 (got nothing)'],
  ])('reports the missing field without %j', (line, problem) => {
    expect(scan(cassette(item('{}')).replace(line, ''))).toMatchObject({ bodies: [], problems: [problem] })
  })

  it.each([
    ['before', `version: 2\n${threeItems.replace('version: 1\n', '')}`, 1],
    ['after', threeItems.replace('version: 1', 'version: 2'), 50],
  ])('returns nothing of a file with a wrong version %s the list', (_, text, line) => {
    expect(scan(text)).toMatchObject({
      bodies: [],
      problems: [`${line}: the version of the format must be 1 (got 2)`],
    })
  })

  it.each([
    ['is empty', '', 'an empty file'],
    ['is something else', 'a: b\n', 'a map with a'],
    ['is a list', '- a\n', 'a list of 1 values'],
  ])('reports the problem of a file that %s', (_, text, content) => {
    expect(scan(text).problems).toEqual([`1: the file is not a recording of a known format (got ${content})`])
  })

  it('reads a quoted text with lines that begin with a tab', () => {
    const text = cassette(item('1').replace("'1'", '\'{\n\t\t"n": 1\n\t\t}\''), item('{"n":2}'))
    expect(scan(text)).toEqual({
      bodies: ['{ "n": 1 }', '{"n":2}'],
      lines: [2, 20],
      slices: true,
      problems: [],
    })
  })

  it('accepts a file without interactions', () => {
    expect(scan('interactions: []\nversion: 1\n')).toMatchObject({ bodies: [], problems: [] })
    expect(scan(recordingFileHeader)).toMatchObject({ bodies: [], problems: [] })
  })

  it('drops an interaction that a killed process wrote partially, at any length', () => {
    const complete = `${item('{"n":1}')}  context_values: {}\n`
    const last = `${item('{"n":2}')}  context_values: {}\n`
    for (let length = 2; length < last.indexOf('context_values') + 'context_values'.length; length++) {
      const { bodies, problems } = scan(recordingFileHeader + complete + last.slice(0, length))
      expect(bodies).toEqual(['{"n":1}'])
      expect(problems).toHaveLength(1)
    }
  })

  it('returns interactions that were appended after an incomplete one', () => {
    const complete = `${item('{"n":1}')}  context_values: {}\n`
    const cut = item('{"n":2}').slice(0, 40)
    const { bodies, problems } = scan(`${recordingFileHeader}${cut}\n${complete}`)
    expect(bodies).toEqual(['{"n":1}'])
    expect(problems).toHaveLength(1)
  })
})
