import { describe, expect, it } from 'vitest'
import { testConfig } from '../../tests/support/test-config.ts'
import type { MatchConfig } from '../config/config.ts'
import { bodyHash, createMatchKeys, matchRecorded, splitUri, type MatchRequest } from './match-request.ts'

/** The defaults: only method, path and body must match. */
const plain: MatchConfig = testConfig().defaultResource.recordings.match

interface RequestOptions {
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
}: RequestOptions): MatchRequest =>
  matchRecorded({ method, uri, headers, body: Buffer.from(body), bodyHash: undefined })

const isEqual = (left: RequestOptions, right: RequestOptions, config: Partial<MatchConfig> = {}): boolean => {
  const keys = createMatchKeys({ ...plain, ...config })
  return keys.keyOf(request(left)) === keys.keyOf(request(right))
}

const form = (boundary: string, name = 'file', ending = '\r\n'): RequestOptions => ({
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
  it('ignore the host, the key order, white space and number formats', () => {
    expect(
      isEqual(
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
    ['bytes that are not JSON', { body: 'a b' }, { body: 'a  b' }],
    ['a part of a form', form('x', 'file'), form('x', 'model')],
  ])('differ by %s', (_, left, right) => expect(isEqual(left, right)).toBe(false))

  it('ignore the boundary of forms, and line endings that a recorder changed', () => {
    expect(isEqual(form('x'), form('yyy'))).toBe(true)
    expect(isEqual(form('x'), form('yyy', 'file', '\n'))).toBe(true)
  })

  it('ignore the boundary of other bodies with parts', () => {
    const parts = (boundary: string, text = 'abc'): RequestOptions => ({
      headers: [['Content-Type', `multipart/mixed; boundary="${boundary}"`]],
      body: `--${boundary}\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--${boundary}--\r\n`,
    })
    expect(isEqual(parts('x'), parts('yyy'))).toBe(true)
    expect(isEqual(parts('x'), parts('yyy', 'abd'))).toBe(false)
  })

  it('are equal for a form with its content type and a recording without it', () => {
    const { body = '' } = form('x')
    expect(isEqual(form('yyy'), { body })).toBe(true)
    expect(isEqual({ body }, { body, headers: [['Content-Type', 'text/plain']] })).toBe(true)
    expect(isEqual({ body }, form('x', 'model'))).toBe(false)
    expect(isEqual({ body: '--x and more' }, { body: '--y and more' })).toBe(false)
  })

  it('ignore configured fields by name or path, also in lists', () => {
    const left = { body: '{"user":"a","messages":[{"content":"x","name":"n"}],"o":{"seed":1,"k":2}}' }
    const right = { body: '{"user":"b","messages":[{"content":"x"}],"o":{"k":2}}' }
    expect(isEqual(left, right)).toBe(false)
    expect(isEqual(left, right, { ignoreFields: ['user', 'messages.name', 'o.seed'] })).toBe(true)
    expect(isEqual(left, right, { ignoreFields: ['user', 'messages.name', 'seed'] })).toBe(false)
  })

  it('include the host, the api-version and headers if configured', () => {
    const left: RequestOptions = { uri: 'https://a/v1/x?api-version=1', headers: [['X-Team', 'one']] }
    const right: RequestOptions = { uri: 'https://b/v1/x?api-version=2', headers: [['x-team', 'two']] }
    expect(isEqual(left, right)).toBe(true)
    for (const config of [{ host: true }, { apiVersion: true }, { headers: ['x-team'] }]) {
      expect(isEqual(left, right, config)).toBe(false)
      expect(isEqual(left, left, config)).toBe(true)
    }
  })

  it('ignore a path prefix of a gateway if configured', () => {
    const left: RequestOptions = { uri: 'https://gateway/team/openai/deployments/a/b' }
    const right: RequestOptions = { uri: 'https://resource/openai/deployments/a/b' }
    expect(isEqual(left, right)).toBe(false)
    expect(isEqual(left, right, { anyPrefix: true })).toBe(true)
  })

  it('compare a body byte by byte if it is nested too deeply', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect(isEqual({ body: deep }, { body: deep })).toBe(true)
    expect(isEqual({ body: deep }, { body: ` ${deep}` })).toBe(false)
  })
})

describe('splitUri', () => {
  it.each([
    ['https://H.example/a//b?x=1#y', { host: 'h.example', path: '/a/b', query: 'x=1' }],
    ['https://h.example', { host: 'h.example', path: '/', query: '' }],
    ['/a?b=c?d', { host: '', path: '/a', query: 'b=c?d' }],
  ])('parses %s', (uri, parts) => expect(splitUri(uri)).toEqual(parts))
})

describe('bodyHash', () => {
  it('is the MD5 of the body', () => {
    expect(bodyHash(Buffer.from('hello'), 'application/json')).toBe('5d41402abc4b2a76b9719d911017c592')
  })

  it('replaces the delimiter of a form at the start and after each line feed, like the Python simulator', () => {
    const original = Buffer.from('--x\r\na --x\r\n--x--\r\n')
    const fixed = Buffer.from('--AOAI-API-SIMULATOR-BOUNDARY\r\na --x\r\n--AOAI-API-SIMULATOR-BOUNDARY--\r\n')
    expect(bodyHash(original, 'multipart/form-data; boundary=x')).toBe(bodyHash(fixed, undefined))
    expect(bodyHash(original, 'multipart/form-data; boundary="x"')).toBe(bodyHash(fixed, undefined))
  })
})
