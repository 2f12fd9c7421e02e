import { describe, expect, it } from 'vitest'
import type { MatchConfig } from '../config/config.ts'
import { bodyHash, createMatchKeys, matchRecorded, splitUri, type MatchRequest } from './match-request.ts'

const plain: MatchConfig = { ignoreFields: [], headers: [], apiVersion: false, host: false, anyPrefix: false }

interface Given {
  readonly method?: string
  readonly uri?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string | Buffer
}

const request = ({
  method = 'POST',
  uri = 'https://a.example/v1/x',
  headers = [],
  body = '',
}: Given): MatchRequest =>
  matchRecorded({ method, uri, headers, body: Buffer.from(body), bodyHash: undefined })

const same = (left: Given, right: Given, config: Partial<MatchConfig> = {}): boolean => {
  const keys = createMatchKeys({ ...plain, ...config })
  return keys.keyOf(request(left)) === keys.keyOf(request(right))
}

const form = (boundary: string, name = 'file', ending = '\r\n'): Given => ({
  headers: [['Content-Type', `multipart/form-data; boundary=${boundary}`]],
  body: [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${name}"`,
    '',
    'abc',
    `--${boundary}--`,
    '',
  ].join(ending),
})

describe('match keys', () => {
  it('are equal whatever the host, the key order, the white space and the writing of numbers', () => {
    expect(
      same(
        { uri: 'https://a.example/v1/x', body: '{"a": 1.0, "b": {"c": [1, 2], "d": "\\u00e9"}}' },
        { uri: 'http://b.example:81/v1/x?q=1', body: '{"b":{"d":"é","c":[1,2]},\n"a":1}' },
      ),
    ).toBe(true)
  })

  it.each([
    ['the method', { method: 'GET' }, { method: 'PUT' }],
    ['the path', { uri: 'https://a/v1/x' }, { uri: 'https://a/v1/y' }],
    ['a value', { body: '{"a":1}' }, { body: '{"a":2}' }],
    ['the type of a value', { body: '{"a":1}' }, { body: '{"a":"1"}' }],
    ['the order of a list', { body: '{"a":[1,2]}' }, { body: '{"a":[2,1]}' }],
    ['a missing field', { body: '{"a":1}' }, { body: '{"a":1,"b":null}' }],
    ['bytes that are no JSON', { body: 'a b' }, { body: 'a  b' }],
    ['a part of a form', form('x', 'file'), form('x', 'model')],
  ])('differ with %s', (_, left, right) => expect(same(left, right)).toBe(false))

  it('are equal for forms of any boundary, and for one whose line ends a recorder has changed', () => {
    expect(same(form('x'), form('yyy'))).toBe(true)
    expect(same(form('x'), form('yyy', 'file', '\n'))).toBe(true)
  })

  it('are equal for a form with its content type and one whose recording has lost it', () => {
    const { body = '' } = form('x')
    expect(same(form('yyy'), { body })).toBe(true)
    expect(same({ body }, { body, headers: [['Content-Type', 'text/plain']] })).toBe(true)
    expect(same({ body }, form('x', 'model'))).toBe(false)
    expect(same({ body: '--x and more' }, { body: '--y and more' })).toBe(false)
  })

  it('leave out fields by name or path, in lists too', () => {
    const left = { body: '{"user":"a","messages":[{"content":"x","name":"n"}],"o":{"seed":1,"k":2}}' }
    const right = { body: '{"user":"b","messages":[{"content":"x"}],"o":{"k":2}}' }
    expect(same(left, right)).toBe(false)
    expect(same(left, right, { ignoreFields: ['user', 'messages.name', 'o.seed'] })).toBe(true)
    expect(same(left, right, { ignoreFields: ['user', 'messages.name', 'seed'] })).toBe(false)
  })

  it('may count the host, the api-version and headers', () => {
    const left: Given = { uri: 'https://a/v1/x?api-version=1', headers: [['X-Team', 'one']] }
    const right: Given = { uri: 'https://b/v1/x?api-version=2', headers: [['x-team', 'two']] }
    expect(same(left, right)).toBe(true)
    for (const config of [{ host: true }, { apiVersion: true }, { headers: ['x-team'] }]) {
      expect(same(left, right, config)).toBe(false)
      expect(same(left, left, config)).toBe(true)
    }
  })

  it('may leave out what a gateway puts in front of a path', () => {
    const left: Given = { uri: 'https://gateway/team/openai/deployments/a/b' }
    const right: Given = { uri: 'https://resource/openai/deployments/a/b' }
    expect(same(left, right)).toBe(false)
    expect(same(left, right, { anyPrefix: true })).toBe(true)
  })

  it('compare a body that is nested beyond reason byte by byte', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect(same({ body: deep }, { body: deep })).toBe(true)
    expect(same({ body: deep }, { body: ` ${deep}` })).toBe(false)
  })
})

describe('splitUri', () => {
  it.each([
    ['https://H.example/a//b?x=1#y', { host: 'h.example', path: '/a/b', query: 'x=1' }],
    ['https://h.example', { host: 'h.example', path: '/', query: '' }],
    ['/a?b=c?d', { host: '', path: '/a', query: 'b=c?d' }],
  ])('takes %s apart', (uri, parts) => expect(splitUri(uri)).toEqual(parts))
})

describe('bodyHash', () => {
  it('is the MD5 of the body', () => {
    expect(bodyHash(Buffer.from('hello'), 'application/json')).toBe('5d41402abc4b2a76b9719d911017c592')
  })

  it('replaces the delimiter of a form at the start and after each line feed, as the Python simulator does', () => {
    const given = Buffer.from('--x\r\na --x\r\n--x--\r\n')
    const fixed = Buffer.from('--AOAI-API-SIMULATOR-BOUNDARY\r\na --x\r\n--AOAI-API-SIMULATOR-BOUNDARY--\r\n')
    expect(bodyHash(given, 'multipart/form-data; boundary=x')).toBe(bodyHash(fixed, undefined))
    expect(bodyHash(given, 'multipart/form-data; boundary="x"')).toBe(bodyHash(fixed, undefined))
  })
})
