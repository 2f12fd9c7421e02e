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
const three = cassette(item('{"n":1}'), item('{"n":2}'), item('{"n":3}'))

describe('scanRecordingFile', () => {
  it('finds each interaction with its line', () => {
    expect(scan(three)).toEqual({
      bodies: ['{"n":1}', '{"n":2}', '{"n":3}'],
      lines: [2, 18, 34],
      slices: true,
      problems: [],
    })
  })

  it.each([
    ['CRLF line ends', three.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\ufeff${three}`],
    ['a document marker and comments', `---\n# mine\n${three}`],
    ['the version in front', `version: 1\n${three.replace('version: 1\n', '')}`],
    ['an indented list', three.replace(/^(?=[- ])/gm, '  ')],
    ['a folded answer', three.replaceAll("string: '{}'", 'string: >\n        a\n        b')],
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
      'whose items refer to each other',
      three.replace('body: \'{"n":1}\'', 'body: &b \'{"n":1}\'').replace('body: \'{"n":2}\'', 'body: *b'),
    ],
  ])('reads a file %s as a whole', (_, text) => {
    const { bodies, slices, problems } = scan(text)
    expect(problems).toEqual([])
    expect(bodies.slice(0, 2).every((body) => body === '{"n":1}')).toBe(true)
    expect(slices).toBe(false)
  })

  it('serves the others when one item is broken, and names its line', () => {
    const broken = three.replace('body: \'{"n":2}\'', `body: '{"n":2}`)
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
    ['      code: 200\n', '2: response.status.code must be an integer from 200 to 599 (got nothing)'],
  ])('names what is missing without %j', (line, problem) => {
    expect(scan(cassette(item('{}')).replace(line, ''))).toMatchObject({ bodies: [], problems: [problem] })
  })

  it.each([
    ['in front', `version: 2\n${three.replace('version: 1\n', '')}`, 1],
    ['behind', three.replace('version: 1', 'version: 2'), 50],
  ])('serves nothing of a file whose wrong version stands %s', (_, text, line) => {
    expect(scan(text)).toMatchObject({
      bodies: [],
      problems: [`${line}: the version of the format must be 1 (got 2)`],
    })
  })

  it.each([
    ['is empty', '', 'the file holds no map'],
    ['is something else', 'a: b\n', 'the file has no list of interactions'],
    ['is a list', '- a\n', 'the file holds no map'],
  ])('says what a file lacks that %s', (_, text, problem) => {
    expect(scan(text).problems).toEqual([`1: ${problem}`])
  })

  it('takes a file without interactions for an empty one', () => {
    expect(scan('interactions: []\nversion: 1\n')).toMatchObject({ bodies: [], problems: [] })
    expect(scan(recordingFileHeader)).toMatchObject({ bodies: [], problems: [] })
  })

  it('drops the interaction that a killed process left half written, wherever it was cut', () => {
    const whole = `${item('{"n":1}')}  context_values: {}\n`
    const last = `${item('{"n":2}')}  context_values: {}\n`
    for (let length = 2; length < last.indexOf('context_values') + 'context_values'.length; length++) {
      const { bodies, problems } = scan(recordingFileHeader + whole + last.slice(0, length))
      expect(bodies).toEqual(['{"n":1}'])
      expect(problems).toHaveLength(1)
    }
  })

  it('serves what was appended behind a half written interaction', () => {
    const whole = `${item('{"n":1}')}  context_values: {}\n`
    const cut = item('{"n":2}').slice(0, 40)
    const { bodies, problems } = scan(`${recordingFileHeader}${cut}\n${whole}`)
    expect(bodies).toEqual(['{"n":1}'])
    expect(problems).toHaveLength(1)
  })
})
