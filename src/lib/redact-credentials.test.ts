import { describe, expect, it } from 'vitest'
import { leastMs } from '../../tests/support/machine-speed.ts'
import { redactHeaderValue, redactQuery, redactText } from './credential-texts.ts'
import { redactBody } from './redact-credentials.ts'

const secret = 'PLANTED0secret1KEY2'
const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${secret}`
const json = (value: unknown): string => redactBody(JSON.stringify(value))

describe('redacted JSON', () => {
  it.each<readonly [string, unknown]>([
    ['a member', { api_key: secret }],
    ['a nested member', { a: [{ b: { clientSecret: secret } }] }],
    ['a list under a name', { api_keys: [secret, secret] }],
    ['the key of an authentication', { authentication: { type: 'api_key', key: secret } }],
    ['an encoded key', { authentication: { type: 'encoded_api_key', encoded_api_key: secret } }],
    ['the value of an ephemeral secret', { client_secret: { value: secret, expires_at: 1 } }],
    ['a map of cookies', { cookies: { a: secret } }],
    ['headers by their names', { headers: { 'X-Api-Key': secret, accept: '*/*' } }],
    ['headers of a tool, whatever their names', { tools: [{ type: 'mcp', headers: { 'x-any': secret } }] }],
    [
      'a tool of the Responses API',
      { tools: [{ type: 'mcp', authorization: secret, server_url: `https://h/?code=${secret}` }] },
    ],
    ['headers as pairs', { headers: [{ name: 'Authorization', value: `Bearer ${secret}` }] }],
    ['a name in escapes', JSON.parse(`{"api\\u005fkey":"${secret}"}`)],
    ['a JWT as a value', { assertion_of: jwt }],
    ['an address in a text', { content: `see https://h.blob/x.png?se=1&sig=${secret}%3D, please` }],
    ['an address without a host', { next: `/openai/operations/1?api-version=1&code=${secret}` }],
    ['a connection string in a text', { text: `AccountName=a;AccountKey=${secret}/+==;EndpointSuffix=x` }],
    ['a token in a text', { text: `curl -H 'Authorization: Bearer ${secret}'` }],
    ['a key of a known look', { text: 'my key is sk-proj-PLANTED0secret1KEY2abc, keep it' }],
    ['the arguments of a tool call', { arguments: `{"db":{"password":"${secret}"},"n":1}` }],
    ['JSON within JSON within a text', { a: JSON.stringify({ b: JSON.stringify({ api_key: secret }) }) }],
    ['JSON in the middle of a text', { content: `use {"api_key": "${secret}"} for it` }],
    ['a line of settings in a text', { content: `Set\nAZURE_OPENAI_API_KEY=${secret}\nand go` }],
    ['a header in a text', { content: `curl -H "Ocp-Apim-Subscription-Key: ${secret}" https://h` }],
    ['an error about a key', { error: { message: `Incorrect API key provided: ${secret}.` } }],
    ['a JWT in a text', { content: `The token is ${jwt}, keep it` }],
    ['a pair of name and value', { env: [{ name: 'OPENAI_API_KEY', value: secret }] }],
    ['a pair of key and value', { headers: [{ key: 'api-key', value: secret }] }],
    [
      'a data source of older versions',
      { dataSources: [{ parameters: { key: secret, embeddingKey: secret } }] },
    ],
    ['a user without a password in an address', { u: `https://${secret}@github.com/a` }],
    ['a webhook', { text: `https://hooks.slack.com/services/T0/B0/${secret}` }],
    ['keys of other services', { text: `glpat-${secret} gsk_${secret}ab sk_live_${secret}ab` }],
    ['a private key that is cut off', { text: `-----BEGIN PRIVATE KEY-----\n${secret}\n${secret}` }],
    [
      'a private key with headers',
      { text: `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\n${secret}\n-----END RSA PRIVATE KEY-----` },
    ],
    ['a link in a text', { text: `[picture](https://h/a.png?sig=${secret}) and [x]` }],
    ['a line of a log', { text: `[INFO] {api_key=${secret}}` }],
    ['headers as lists of two', { headers: [['x-api-key', secret]] }],
    ['headers as a flat list', { rawHeaders: ['accept', '*/*', 'x-api-key', secret] }],
    ['a pair with a numbered name', { env: [{ name: 'API_KEY_2', value: secret }] }],
    [
      'any name of the list in a text',
      { text: `psk=${secret}\nclient_assertion: ${secret}\nDB_PASS=${secret}` },
    ],
    ['a sentence', { text: `the password is ${secret}, and use token ${secret}` }],
    ['options of a command', { text: `tool --api-key ${secret} && curl -u admin:${secret} https://h` }],
    ['a subscript', { text: `os.environ["API_KEY"] = "${secret}"` }],
    ['Markdown', { text: `**API key:** \`${secret}\`\n| api_key | ${secret} |` }],
    ['attributes of XML', { text: `<add key="ApiKey" value="${secret}" />` }],
    ['a name after another separator', { text: `note: api_key=${secret}` }],
    ['a password in an address', { text: `redis://user:${secret}@host:6379/0` }],
    ['a private key', { text: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----` }],
  ])('has no credential as %s', (_where, value) => {
    expect(json(value)).not.toContain('PLANTED')
    expect(() => JSON.parse(json(value)) as unknown).not.toThrow()
  })

  it.each<readonly [string, unknown]>([
    ['a text about bearers', { content: 'A Bearer of news, and Basic plans with Bearer authentication.' }],
    [
      'ids after names that are data',
      { content: `session: 6f1c0000-1111-2222-3333-444455556666, page token ${secret}` },
    ],
    ['ids of keys that are data', { content: `primary key ${secret}, next_page_token: ${secret}` }],
    ['a list of header names', { allowed_headers: ['authorization', 'content-type', 'x-api-key'] }],
    ['words that begin like a key', { content: 'sk-learn-compatible-estimators-are-risk-free, task-2' }],
    [
      'words about a private key',
      { content: 'It begins with -----BEGIN PRIVATE KEY----- and goes on for lines - so it is' },
    ],
    [
      'words about keys',
      {
        content:
          'Set api_key=os.environ["AZURE_OPENAI_API_KEY_2"], token: my-token-goes-here-2; password: correct horse',
      },
    ],
    [
      'arguments of a tool call',
      { arguments: '{"page_token":"abc","key":"v", "properties":{"password":{"type":"string"}}}' },
    ],
    ['a pair of another name', { headers: [{ name: 'content-type', value: 'application/json' }] }],
    ['the description of a call over WebRTC', { sdp: 'a=ice-pwd:jIsRuXZmV9Yq00qk4a33Xe\r\n' }],
    ['usage', { usage: { prompt_tokens: 1, completion_tokens_details: { reasoning_tokens: 1 } } }],
    [
      'log probabilities',
      { content: [{ token: 'Hi', logprob: -1, bytes: [72], top_logprobs: [{ token: 'Ho', logprob: -2 }] }] },
    ],
    [
      'log probabilities of completions',
      { logprobs: { tokens: ['a', 'b'], top_logprobs: [{ password: -1 }] } },
    ],
    [
      'an error with a code',
      { error: { code: 'invalid_api_key', message: 'Wrong API key provided.', param: 'key' } },
    ],
    ['a key that is data', { key: 'value', prompt_cache_key: 'user-1', safety_identifier: 'abc' }],
    ['a page token', { next_page_token: 'abc123' }],
    [
      'the schema of a tool',
      {
        type: 'object',
        properties: {
          password: { type: 'string', description: 'The password', default: 'x' },
          headers: { type: 'object', description: 'Headers' },
          authentication: { type: 'object', key: 'plain', value: 'plain' },
          secrets: { type: 'array', items: { type: 'string' } },
        },
        required: ['password', 'token'],
        dependentRequired: { password: ['token'] },
      },
    ],
    ['an address without a credential', { url: 'https://example.com/a?page=2&sort=key#section' }],
    ['credentials that are not strings', { password: true, token: 12, secret: null, api_key: '' }],
  ])('keeps %s', (_what, value) => {
    expect(json(value)).toBe(JSON.stringify(value))
  })

  it('keeps all other bytes: order, white space, duplicate names and numbers beyond precision', () => {
    const text = '{ "a": 1e400,\n"api_key" : "x", "a":\t12345678901234567890, "é": "\\u00e9\\/" }'
    expect(redactBody(text)).toBe(text.replace('"x"', '"[redacted]"'))
  })

  it('has no credential if the JSON is cut off', () => {
    expect(redactBody(`{"a":{"api_key":"${secret}`)).not.toContain('PLANTED')
  })

  it('has no value under additional names', () => {
    const names = new Set(['user'])
    const text = '{"user":{"a":[1]},"User":[{}],"x":{"user":12},"y":"user"}'
    expect(redactBody(text, '', { names })).toBe(
      '{"user":"[redacted]","User":"[redacted]","x":{"user":"[redacted]"},"y":"user"}',
    )
  })

  it('does not change if it is redacted again', () => {
    const once = json({ api_key: secret, url: `https://u:${secret}@h/?sig=${secret}`, t: `Bearer ${secret}` })
    expect(redactBody(once)).toBe(once)
  })
})

describe('redacted forms and streams', () => {
  it.each([
    [
      'a form in its encoding',
      'application/x-www-form-urlencoded',
      `a=1&client_secret=${secret}&x%5Bapi-key%5D=${secret}`,
    ],
    [
      'an address within a form',
      'application/x-www-form-urlencoded',
      `u=https%3A%2F%2Fh%3Fa%3D1%26sig%3D${secret}`,
    ],
    [
      'a field of a form with files',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n${secret}\r\n--b--\r\n`,
    ],
    [
      'JSON lines in a file',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{}\n{"password":"${secret}"}\r\n--b--\r\n`,
    ],
    ['JSON under the type of a form', 'application/x-www-form-urlencoded', `{"api_key":"${secret}"}`],
    ['a text that begins like JSON', 'text/plain', `[INFO] {api_key=${secret}}`],
    ['JSON without a type', '', ` [{"api_key":"${secret}"}]`],
    ['a form without a type', '', `grant_type=password&password=${secret}`],
    ['a form under the type of JSON', 'application/json', `password=${secret}&a=1`],
    [
      'a form with files without a type',
      '',
      `--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n${secret}\r\n--b--\r\n`,
    ],
    ['JSON in a form', '', `payload=%7B%22api_key%22%3A%22${secret}%22%7D`],
    [
      'a form without a type, as browsers write it',
      '',
      `------WebKitFormBoundaryA\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="pass"\r\n\r\n${secret}\r\n------WebKitFormBoundaryA--\r\n`,
    ],
    [
      'a file with the name of a credential',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name="private_key"; filename="k"\r\n\r\n${secret}\r\n--b--\r\n`,
    ],
    ['a comment of a stream', '', `: api_key=${secret}\n\n`],
    ['XML', 'application/xml', `<c><apiKey>${secret}</apiKey><d password="${secret}"/></c>`],
    ['a file of settings', '', `# settings\nexport OPENAI_API_KEY="${secret}"\n`],
    [
      'a field with an encoded name',
      'multipart/form-data; boundary=b',
      `--b\r\nContent-Disposition: form-data; name*=UTF-8''api_key\r\n\r\n${secret}\r\n--b--\r\n`,
    ],
    ['a stream of events', 'text/event-stream', `event: x\ndata: {"token":"${secret}"}\n\ndata: [DONE]\n\n`],
    [
      'data of several lines',
      'text/event-stream',
      `event: x\r\ndata: {"token":\r\ndata: "${secret}",\r\ndata: "a":1}\r\n\r\n`,
    ],
    ['a stream with CR LF', 'text/event-stream', `data: {"url":"https://h/?sig=${secret}"}\r\n\r\n`],
    ['plain text', 'text/plain', `SharedAccessSignature sr=h&sig=${secret}&se=1`],
  ])('have no credential in %s', (_where, contentType, text) => {
    const plain = redactBody(text, contentType)
    expect(plain).not.toContain('PLANTED')
    expect(plain.length).toBeGreaterThan(10)
  })

  it('keep the lines of an event with data in several lines', () => {
    const event = (value: string): string =>
      `id: 1\r\ndata: {"token":\r\ndata:"${value}"\r\ndata: }\r\n\r\ndata: [DONE]\n\n`
    expect(redactBody(event(secret))).toBe(event('[redacted]'))
  })

  it('keep the rest of a form byte for byte', () => {
    const form = (value: string): string =>
      `--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n${value}\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n`
    expect(redactBody(form(secret), 'multipart/form-data; boundary=b')).toBe(form('[redacted]'))
  })
})

describe('redacted headers and addresses', () => {
  it.each([
    `Bearer ${secret}`,
    'bearer s3cret',
    'Basic dXNlcjpQTEFOVEVE',
    `DPoP ${secret}`,
    jwt,
    `https://h/a?X-Goog-Signature=${secret}`,
    `https://h/a?next=https%3A%2F%2Fu%3A${secret}%40h`,
    `/openai/operations/images/1?Sig=${secret}`,
    `https://h/cb#access_token=${secret}`,
    `a=1; access_token=${secret}; path=/`,
    `token="${secret}", b=2`,
    `{"api_key":"${secret}"}`,
    `authorization: token ${secret}`,
    `Endpoint=sb://h/;SharedAccessKey=${secret}`,
    `realtime, openai-insecure-api-key.${secret}`,
  ])('have no credential in the value %s', (value) => {
    const plain = redactHeaderValue(value)
    expect(plain).toMatch(/\[redacted\]|REDACTED/)
    expect(plain).not.toMatch(/PLANTED|s3cret|UExBTlRF/)
  })

  it.each([
    'Bearer realm="api", error="invalid_token"',
    'Basic plan',
    'bearer token',
    'authorization, x-api-key',
    '"abc"',
  ])('keep the value %s', (value) => expect(redactHeaderValue(value)).toBe(value))

  it('find parameters between semicolons', () => {
    expect(redactQuery(`a=1;sig=${secret};b=2&c=3;4`)).toBe('a=1;sig=REDACTED;b=2&c=3;4')
  })

  it.each([
    `c=AccountKey%3D${secret}`,
    `u=https%253A%252F%252Fh%253Fsig%253D${secret}`,
    `a=1#access_token=${secret}`,
    `keys[]=${secret}`,
    `q=%7B%22api_key%22%3A%22${secret}%22%7D`,
  ])('have no credential in the query %s', (query) => expect(redactQuery(query)).not.toContain('PLANTED'))

  it('keep a query without a credential byte for byte', () => {
    const query = 'api-version=2024-10-21&limit=5&&after=a%2Fb+c&flag'
    expect(redactQuery(query)).toBe(query)
  })
})

describe('redactBody and redactText', () => {
  it.each([
    ['base64', 'A'],
    ['quotes', '"'],
    ['brackets', '['],
    ['addresses', 'https://a?b=x&'],
    ['starts of addresses', '://a:'],
    ['starts of keys', 'sk-'],
    ['starts of tokens', 'eyJ.'],
    ['schemes', 'bearer '],
    ['names', 'api_key='],
    ['names and values', 'key: 0123456789abcdef '],
    ['options', ' -u a:'],
    ['attributes', 'name="a" '],
    ['private keys', '-----BEGIN PRIVATE KEY-----'],
    ['tokens', 'eyJaaaaaaaaa.eyJ'],
    ['texts within texts', '{"a":"{'],
    ['separators', '%3a%2f%2f'],
    ['objects', '{"token":"a",'],
    ['parts of a form', '--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n1\r\n'],
  ])('take linear time for 800 KB of %s', async (_what, piece) => {
    const text = piece.repeat(800_000 / piece.length)
    const work = (): void => {
      redactBody(text)
      redactBody(`{"a":"${text}"}`)
    }
    // Takes 20 to 400 ms. Quadratic time would be minutes.
    expect(await leastMs(4_000, work)).toBeLessThan(4_000)
  })

  it('keep a text without a trigger', () => {
    expect(redactText('Hello, how are you today?')).toBe('Hello, how are you today?')
  })
})
