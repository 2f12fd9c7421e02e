import { describe, expect, it } from 'vitest'
import { readItems } from './yaml-item.ts'
import { toJson } from './yaml-value.ts'

/** The value of the key `x` of an item as JSON, and the warnings. */
function read(yaml: string): { readonly x: unknown; readonly parseWarnings: readonly string[] } {
  const items = readItems(`- x: ${yaml}\n`)
  if ('problem' in items) throw new Error(items.problem.reason)
  const { x } = toJson(items.values[0] ?? null) as { x: unknown }
  return { x, parseWarnings: items.parseWarnings.map(({ reason }) => reason) }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('PyYAML tags', () => {
  it.each([
    ['bytes of Python 3', "!!python/bytes 'aGk='", base64('hi')],
    [
      'a header name of aiohttp',
      "!!python/object/apply:multidict._multidict.istr ['Content-Type']",
      'Content-Type',
    ],
    ['a status of the standard library', '!!python/object/apply:http.HTTPStatus [200]', 200],
    ['an upload, by its argument', '!!python/object/new:_io.BytesIO [!!binary aGk=]', base64('hi')],
    [
      'an upload, by its state',
      "!!python/object/new:_io.BytesIO {state: [!!binary 'aGk=', 2, null]}",
      base64('hi'),
    ],
    ['a text upload', "!!python/object/new:_io.StringIO {state: ['hi', '', 0, null]}", 'hi'],
    ['headers as pairs', '!!python/object/apply:multidict.CIMultiDict [[[a, b], [a, c]]]', { a: ['b', 'c'] }],
    ['headers as pairs in bytes', '!!python/object/apply:x.Headers [[[!!binary YQ==, b]]]', { a: ['b'] }],
    ['headers as triples', '!!python/object:x.Headers {_list: [[A, a, b]]}', { A: ['b'] }],
    [
      'headers as a map of pairs',
      '!!python/object:requests.structures.CaseInsensitiveDict {_store: {a: [A, b]}}',
      { A: ['b'] },
    ],
    ['headers as a plain map', '!!python/object:x.MultiDict {_headers: {a: b}}', { a: 'b' }],
    ['no headers', '!!python/object/apply:multidict.CIMultiDict []', {}],
  ])('are supported for %s', (_, yaml, expected) => {
    expect(read(yaml)).toEqual({ x: expected, parseWarnings: [] })
  })

  it.each([
    ['bytes that are a list', '!!python/bytes [1]'],
    ['a text of two arguments', '!!python/object/apply:multidict.istr [a, b]'],
    ['an upload that holds a list', '!!python/object/new:_io.BytesIO [[1]]'],
    ['headers of single words', '!!python/object/apply:multidict.CIMultiDict [[a, b]]'],
    ['headers with four parts', '!!python/object/apply:multidict.CIMultiDict [[[a, b, c, d]]]'],
    ['a class that is unknown', '!!python/object:os.Popen {a: b}'],
    ['a function', "!!python/object/apply:os.system ['true']"],
  ])('are reported as unknown for %s', (_, yaml) => {
    expect(read(yaml).parseWarnings).toEqual([expect.stringMatching(/^the tag !!python.* is unknown$/)])
  })
})
