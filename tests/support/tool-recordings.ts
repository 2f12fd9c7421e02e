import { brotliCompressSync, gzipSync } from 'node:zlib'

/** A request and the answer that replay must send. */
export interface Replayed {
  readonly method?: string
  readonly path?: string
  readonly body?: string | Buffer
  readonly type?: string
  readonly status?: number
  readonly answer: string | Buffer
  /** The content type of the answer; undefined: JSON. */
  readonly answerType?: string
}

/** Files of a tool, as its documentation or source describes them, and what they replay. */
export interface ToolRecording {
  /** The format, as messages name it. */
  readonly format: string
  readonly files: Readonly<Record<string, string | Buffer>>
  readonly replays: readonly Replayed[]
}

const chat = '/v1/chat/completions'
const question = '{"model":"gpt-4o","messages":[{"role":"user","content":"Café?"}]}'
const answer =
  '{"id":"a","choices":[{"message":{"content":"Oui, à côté."}}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}'
const second = '{"id":"b","choices":[]}'
const stream = 'data: {"id":"s","choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'
const audio = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0x00, 0x80, 0x0a, 0xfe])
const form = '--b1\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b1--\r\n'
const formType = 'multipart/form-data; boundary=b1'
const streamType = 'text/event-stream; charset=utf-8'
const json = (value: unknown): string => JSON.stringify(value, null, 2)
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const indented = (text: string, columns: number): string => text.replace(/^(?=.)/gm, ' '.repeat(columns))

/** One interaction as VCR for Ruby writes it. */
const rubyItem = (
  path: string,
  body: string,
  string: string,
  headers = '',
  status = 200,
): string => `- request:
    method: post
    uri: https://api.openai.com${path}
    body:
      encoding: UTF-8
      string: ${quoted(body)}
    headers:
      Content-Type:
      - application/json
      Authorization:
      - Bearer <OPENAI_API_KEY>
  response:
    status:
      code: ${status}
      message: OK
    headers:
      Content-Type:
      - application/json
${headers}    body:
      encoding: ASCII-8BIT
      string: ${string}
  recorded_at: Thu, 07 Aug 2025 09:00:00 GMT
`
const ruby = (...items: readonly string[]): string =>
  `---\nhttp_interactions:\n${items.join('')}recorded_with: VCR 6.3.1\n`

const rItem = (method: string, body: string, response: string): string => `- request:
    method: ${method}
    uri: https://api.openai.com${method === 'POST' ? chat : '/v1/files'}
${body}  response:
${response}  recorded_at: 2026-08-02 22:38:12
`
const r = (...items: readonly string[]): string =>
  `http_interactions:\n${items.join('')}recorded_with: VCR-vcr/2.1.0\n`

const goItem = (body: string, response: string, rest: string): string => `    - id: 0
      request:
        proto: HTTP/1.1
        proto_major: 1
        content_length: ${body.length}
        host: api.openai.com
        body: ${quoted(body)}
        form: {}
        headers:
            Content-Type:
                - application/json
        url: https://api.openai.com${chat}
        method: POST
      response:
        proto: HTTP/2.0
        uncompressed: true
        body: ${response}
${rest}`
const goEnd = (
  status: string,
  type = 'application/json',
  duration = '574.093959ms',
): string => `        headers:
            Content-Type:
                - ${type}
        status: ${status}
        code: ${status.slice(0, 3)}
        duration: ${duration}
`

const harEntry = (request: object, response: object, rest: object = {}): object => ({
  startedDateTime: '2025-08-10T08:54:35.960Z',
  time: 451,
  request: {
    method: 'POST',
    url: `https://api.openai.com${chat}?x=1`,
    headers: [
      { name: ':authority', value: 'api.openai.com' },
      { name: 'Content-Type', value: 'application/json' },
    ],
    postData: { mimeType: 'application/json', text: question },
    ...request,
  },
  response: {
    status: 200,
    statusText: 'OK',
    headers: [{ name: 'content-type', value: 'application/json' }],
    content: { mimeType: 'application/json', size: 10, text: answer },
    ...response,
  },
  ...rest,
})
const har = (creator: string, ...entries: readonly object[]): string =>
  json({ log: { version: '1.2', creator: { name: creator, version: '1' }, pages: [], entries } })
const gzipHeaders = [
  { name: 'content-type', value: 'application/json' },
  { name: 'content-encoding', value: 'gzip' },
]

const nockItem = (response: unknown, headers: unknown, rest: object = {}): object => ({
  scope: 'https://api.openai.com:443',
  method: 'POST',
  path: chat,
  body: JSON.parse(question) as unknown,
  status: 200,
  response,
  rawHeaders: headers,
  responseIsBinary: false,
  ...rest,
})

const langchainYaml = `requests:
- body: ${quoted(question)}
  headers:
    content-type:
    - '**REDACTED**'
  method: POST
  uri: '**REDACTED**'
- body: !!binary |
    ${Buffer.from('{"input":"a","model":"text-embedding-3-small"}').toString('base64')}
  headers: {}
  method: POST
  uri: https://api.openai.com/v1/embeddings
responses:
- body:
    string: ${quoted(answer)}
  headers:
    Content-Type:
    - application/json
  status:
    code: 200
    message: OK
- body:
    string: !!binary |
      ${Buffer.from(second).toString('base64')}
  headers:
    Content-Type:
    - application/json
  status:
    code: 200
    message: OK
`

const mapping = (request: object, response: object, rest: object = {}): object => ({
  id: '04440e81-6f7e-330d-900a-d327a8d47b5f',
  request: { url: '/chat/completions', method: 'POST', ...request },
  response: { status: 200, headers: { 'Content-Type': 'application/json' }, ...response },
  ...rest,
})
const equalToJson = (value: unknown): object => ({
  bodyPatterns: [{ equalToJson: value, ignoreArrayOrder: true }],
})

const asked = { body: question, answer } as const

/** Invented recordings of each format and its variants. */
export const toolRecordings: Readonly<Record<string, ToolRecording>> = {
  'VCR for Ruby with text, a stream, bytes in base64 and an error': {
    format: 'Ruby VCR cassette',
    files: {
      'a.yml': ruby(
        rubyItem(chat, question, quoted(answer)),
        rubyItem('/v1/a', 'x', `|+\n${indented(stream, 8).slice(0, -1)}`).replaceAll('ASCII-8BIT', 'UTF-8'),
        rubyItem('/v1/b', 'x', `!binary |-\n        ${audio.toString('base64')}`),
        rubyItem(
          '/v1/c',
          'x',
          `!binary |-\n        ${gzipSync(answer).toString('base64')}`,
          '      Content-Encoding:\n      - gzip\n',
        ),
        rubyItem('/v1/d', 'x', quoted(answer), '      Content-Encoding:\n      - gzip\n', 429),
        rubyItem(chat, question, quoted(second)),
      ),
    },
    replays: [
      asked,
      { path: '/v1/a', body: 'x', answer: stream },
      { path: '/v1/b', body: 'x', answer: audio },
      { path: '/v1/c', body: 'x', answer },
      { path: '/v1/d', body: 'x', answer, status: 429 },
      { body: question, answer: second },
    ],
  },
  'VCR for Ruby with exact bytes, an address without a host and Latin-1': {
    format: 'Ruby VCR cassette',
    files: {
      'a.yml': ruby(
        rubyItem(chat, question, 'x')
          .replace(
            /string: x\n/,
            `base64_string: |\n        ${Buffer.from(answer).toString('base64').slice(0, 60)}\n        ${Buffer.from(answer).toString('base64').slice(60)}\n`,
          )
          .replace('https://api.openai.com', '<OPENAI_API_BASE>'),
        rubyItem('/v1/l', 'x', quoted('Café')).replace('ASCII-8BIT', 'ISO-8859-1'),
      ),
    },
    replays: [asked, { path: '/v1/l', body: 'x', answer: Buffer.from('Café', 'latin1') }],
  },
  'VCR for Ruby as JSON': {
    format: 'Ruby VCR cassette',
    files: {
      'a.json': json({
        http_interactions: [
          {
            request: {
              method: 'post',
              uri: `https://api.openai.com${chat}`,
              body: { encoding: 'UTF-8', string: question },
              headers: {},
            },
            response: {
              status: { code: 200, message: 'OK' },
              headers: { 'Content-Type': ['application/json'] },
              body: { encoding: 'UTF-8', string: answer },
            },
            recorded_at: 'Thu, 07 Aug 2025 09:00:00 GMT',
          },
        ],
        recorded_with: 'VCR 6.3.1',
      }),
    },
    replays: [asked],
  },
  'vcr for R with a status number, single headers and a form': {
    format: 'R vcr cassette',
    files: {
      'a.yml': r(
        rItem(
          'POST',
          `    body:\n      string: ${quoted(question)}\n`,
          `    status: 200\n    headers:\n      content-type: application/json\n      content-encoding: br\n      x-list:\n      - a\n      - b\n    body:\n      string: |-\n        ${answer}\n`,
        ),
        rItem(
          'POST',
          '    body:\n      fields:\n        purpose: user_data\n        file:\n          path: apples.pdf\n',
          `    status: 200\n    headers:\n      content-type: application/json\n    body:\n      string: ${quoted(second)}\n`,
        ).replace(chat, '/v1/files'),
        rItem(
          'GET',
          '',
          `    status: 404\n    headers:\n      content-type: application/json\n    body:\n      base64_string: ${Buffer.from(second).toString('base64')}\n`,
        ),
      ),
    },
    replays: [
      asked,
      { path: '/v1/files', body: form, type: formType, answer: second },
      { method: 'GET', path: '/v1/files', answer: second, status: 404 },
    ],
  },
  'vcr for R of older versions': {
    format: 'R vcr cassette',
    files: {
      'a.yml': r(
        rItem(
          'POST',
          `    body:\n      encoding: ''\n      string: ${quoted(question)}\n    headers:\n      Content-Type: application/json\n`,
          `    status:\n      status_code: '200'\n      category: Success\n      reason: OK\n      message: 'Success: (200) OK'\n    headers:\n      content-type: application/json\n    body:\n      encoding: UTF-8\n      file: no\n      string: ${quoted(answer)}\n`,
        ),
      ),
      'b.json': json({
        http_interactions: [
          {
            request: {
              method: 'POST',
              uri: `https://api.openai.com/v1/embeddings`,
              body: { encoding: '', string: 'x' },
              headers: [],
            },
            response: {
              status: { status_code: 200, reason: 'OK' },
              headers: { 'content-type': 'application/json' },
              body: { encoding: '', string: second },
            },
            recorded_at: '2022-01-01 00:00:00 GMT',
          },
        ],
      }),
    },
    replays: [asked, { path: '/v1/embeddings', body: 'x', answer: second }],
  },
  'go-vcr v4 with repeats, a stream, an error and comments': {
    format: 'go-vcr v3 or v4 cassette',
    files: {
      'a.yaml': `---\nversion: 2\ninteractions:\n${goItem(question, quoted(answer), goEnd('200 OK'))}${goItem('x', `|+\n${indented(stream, 12).slice(0, -1)}`, goEnd('200 OK', `"${streamType}"`, '1m2.5s'))}${goItem(question, `|-\n            ${second}`, goEnd('400 Bad Request').replace('                - app', '                # a comment\n                - app'))}${goItem('y', `!!binary ${audio.toString('base64')}`, goEnd('200 OK', 'audio/mpeg', '0s'))}`,
    },
    replays: [
      asked,
      { body: 'x', answer: stream, answerType: streamType },
      { body: question, answer: second, status: 400 },
      { body: 'y', answer: audio, answerType: 'audio/mpeg' },
    ],
  },
  'go-vcr v2, with version 1 like VCR.py': {
    format: 'go-vcr v1 or v2 cassette',
    files: {
      'a.yaml': `---
version: 1
interactions:
- request:
    body: ${quoted(question)}
    form: {}
    headers:
      Content-Type:
      - application/json
    url: https://api.openai.com${chat}
    method: POST
  response:
    body: ${quoted(answer)}
    headers:
      Content-Type:
      - application/json
    status: 200 OK
    code: 200
    duration: ""
`,
    },
    replays: [asked],
  },
  'HAR of a browser with forms, base64, decoded compression and requests that were not sent': {
    format: 'HAR file',
    files: {
      'a.har': har(
        'Chrome',
        harEntry({}, { headers: gzipHeaders }),
        harEntry(
          {
            url: 'https://api.openai.com/v1/a',
            postData: { mimeType: formType, text: form },
            headers: [{ name: 'content-type', value: formType }],
          },
          {},
        ),
        harEntry(
          {
            url: 'https://api.openai.com/v1/b',
            postData: {
              mimeType: 'application/x-www-form-urlencoded',
              params: [
                { name: 'a', value: 'b c' },
                { name: 'd', value: '' },
              ],
            },
          },
          {},
        ),
        harEntry(
          { url: 'https://api.openai.com/v1/c', method: 'GET', postData: undefined },
          {
            headers: [{ name: 'content-type', value: 'audio/mpeg' }],
            content: { text: audio.toString('base64'), encoding: 'base64', size: 8 },
          },
        ),
        harEntry({ url: 'data:text/plain,a', method: 'GET' }, {}),
        harEntry({}, { status: 0, content: {} }),
        harEntry({ url: 'https://api.openai.com/v1/d' }, { status: 204, content: { size: 0 }, headers: [] }),
      ),
    },
    replays: [
      asked,
      { path: '/v1/a', body: form, type: formType, answer },
      { path: '/v1/b', body: 'a=b%20c&d=', type: 'application/x-www-form-urlencoded', answer },
      { method: 'GET', path: '/v1/c', answer: audio, answerType: 'audio/mpeg' },
      { path: '/v1/d', body: question, status: 204, answer: '', answerType: '' },
    ],
  },
  'HAR of Polly.js with compressed chunks': {
    format: 'HAR file',
    files: {
      'a.har': har(
        'Polly.JS',
        harEntry(
          {},
          {
            headers: gzipHeaders,
            content: {
              encoding: 'base64',
              text: JSON.stringify([
                gzipSync(answer).subarray(0, 20).toString('base64'),
                gzipSync(answer).subarray(20).toString('base64'),
              ]),
            },
          },
        ),
        harEntry(
          {},
          {
            headers: gzipHeaders,
            content: { _isBinary: true, text: JSON.stringify([gzipSync(second).toString('hex')]) },
          },
        ),
        harEntry(
          { url: 'https://api.openai.com/v1/s' },
          { headers: [{ name: 'content-type', value: streamType }], content: { text: stream } },
        ),
        harEntry(
          { url: 'https://api.openai.com/v1/b' },
          { content: { _isBinary: true, text: audio.toString('hex') } },
        ),
      ),
    },
    replays: [
      asked,
      { body: question, answer: second },
      { path: '/v1/s', body: question, answer: stream, answerType: streamType },
      { path: '/v1/b', body: question, answer: audio },
    ],
  },
  'nock with JSON, chunks, bytes, a stream and three forms of headers': {
    format: 'nock recording',
    files: {
      'a.json': json([
        nockItem(JSON.parse(answer), { 'content-type': 'application/json' }),
        nockItem(
          [
            brotliCompressSync(answer).subarray(0, 9).toString('hex'),
            brotliCompressSync(answer).subarray(9).toString('hex'),
          ],
          ['Content-Type', 'application/json', 'Content-Encoding', 'br'],
        ),
        nockItem(stream, [['Content-Type', streamType]], { path: '/v1/s' }),
        nockItem(audio.toString('hex'), ['Content-Type', 'audio/mpeg'], {
          path: '/v1/b',
          responseIsBinary: true,
          body: audio.toString('hex'),
        }),
        nockItem('{invalid', { 'content-type': 'application/json' }, { path: '/v1/i', body: '' }),
      ]),
      'b.json': json([
        {
          ...nockItem(['a', 'b'], undefined),
          rawHeaders: undefined,
          headers: { 'content-type': 'application/json' },
          responseIsBinary: undefined,
          path: '/v1/old',
          reqheaders: { accept: 'a' },
        },
      ]),
    },
    replays: [
      asked,
      asked,
      { path: '/v1/s', body: question, answer: stream, answerType: streamType },
      { path: '/v1/b', body: audio, answer: audio, answerType: 'audio/mpeg' },
      { path: '/v1/i', answer: '{invalid' },
      { path: '/v1/old', body: question, answer: '["a","b"]' },
    ],
  },
  'VCR.py with its JSON serializer': {
    format: 'VCR.py cassette',
    files: {
      'a.json': json({
        version: 1,
        interactions: [
          {
            request: {
              method: 'POST',
              uri: `https://api.openai.com${chat}`,
              body: question,
              headers: { 'Content-Type': ['application/json'] },
            },
            response: {
              status: { code: 200, message: 'OK' },
              headers: { 'Content-Type': ['application/json'] },
              body: { string: answer },
            },
          },
        ],
      }),
    },
    replays: [asked],
  },
  'langchain-tests, compressed, with a removed address': {
    format: 'LangChain cassette',
    files: { 'a.yaml.gz': gzipSync(langchainYaml) },
    replays: [
      asked,
      { path: '/v1/embeddings', body: '{"model":"text-embedding-3-small","input":"a"}', answer: second },
    ],
  },
  'langchain-tests without compression and with aliases': {
    format: 'LangChain cassette',
    files: {
      'a.yaml': langchainYaml
        .replace('headers: {}', 'headers: &h {a: [b]}')
        .replace(
          'headers:\n    Content-Type:\n    - application/json\n',
          'headers:\n    Content-Type: &t\n    - application/json\n',
        )
        .replace(
          /Content-Type:\n {4}- application\/json\n(?! {2}status:\n {4}code: 200\n {4}message: OK\n-)/,
          'Content-Type: *t\n',
        ),
    },
    replays: [
      asked,
      { path: '/v1/embeddings', body: '{"model":"text-embedding-3-small","input":"a"}', answer: second },
    ],
  },
  'the test agent of Datadog with bytes and a form': {
    format: 'Datadog test-agent cassette',
    files: {
      'openai_chat.json': json({
        request: {
          method: 'POST',
          url: `https://api.openai.com${chat}`,
          headers: { 'Content-Type': 'application/json' },
          body: question,
        },
        response: {
          status: { code: 200, message: 'OK' },
          headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' },
          body: answer,
        },
      }),
      'openai_speech.json': json({
        request: {
          method: 'POST',
          url: 'https://api.openai.com/v1/audio/speech',
          headers: {},
          body: `base64:${audio.toString('base64')}`,
        },
        response: {
          status: { code: 200, message: 'OK' },
          headers: { 'Content-Type': 'audio/mpeg' },
          body: `base64:${audio.toString('base64')}`,
        },
      }),
    },
    replays: [asked, { path: '/v1/audio/speech', body: audio, answer: audio, answerType: 'audio/mpeg' }],
  },
  'WireMock with body files, JSON bodies, base64, states of a scenario and any body': {
    format: 'WireMock mapping',
    files: {
      'mappings/a.json': json(mapping(equalToJson(question), { bodyFileName: 'a-1.json' })),
      'mappings/sub/b.json': json(mapping(equalToJson({ q: 1.0 }), { jsonBody: { n: 1 } })),
      '__files/a-1.json': answer,
      'mappings/y.json': json(
        mapping(
          { ...equalToJson('{"s":1}'), url: '/v1/s' },
          { body: '1' },
          { scenarioName: 's', requiredScenarioState: 's-2', newScenarioState: 's-3' },
        ),
      ),
      'mappings/x.json': json(
        mapping(
          { ...equalToJson('{"s":1}'), url: '/v1/s' },
          { body: '2' },
          { scenarioName: 's', requiredScenarioState: 's-3' },
        ),
      ),
      'mappings/z.json': json(
        mapping(
          { ...equalToJson('{"s":1}'), url: '/v1/s' },
          { body: '0' },
          { scenarioName: 's', requiredScenarioState: 'Started', newScenarioState: 's-2' },
        ),
      ),
      'all.json': json({
        mappings: [
          mapping(
            { urlPath: '/v1/p', url: undefined, method: 'GET', queryParameters: { a: { equalTo: 'b c' } } },
            {
              base64Body: audio.toString('base64'),
              headers: { 'Content-Type': 'audio/mpeg', 'X-Two': ['a', 'b'] },
            },
          ),
          mapping({ url: undefined, urlPattern: '/v1/any\\?x=1' }, { body: second, status: 201 }),
        ],
        meta: { total: 2 },
      }),
    },
    replays: [
      { path: '/chat/completions', body: question, answer },
      { path: '/chat/completions', body: '{"q":1}', answer: '{"n":1}' },
      { path: '/v1/s', body: '{"s":1}', answer: '0' },
      { path: '/v1/s', body: '{"s":1}', answer: '1' },
      { path: '/v1/s', body: '{"s":1}', answer: '2' },
      { method: 'GET', path: '/v1/p?a=b%20c', answer: audio, answerType: 'audio/mpeg' },
      { path: '/v1/any?x=1', body: 'anything', answer: second, status: 201 },
    ],
  },
  'the test proxy of the Azure SDKs': {
    format: 'Azure SDK test-proxy recording',
    files: {
      'a.json': json({
        Entries: [
          {
            RequestUri: `https://h.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21`,
            RequestMethod: 'POST',
            RequestHeaders: { 'Content-Type': 'application/json' },
            RequestBody: JSON.parse(question) as unknown,
            StatusCode: 200,
            ResponseHeaders: { 'Content-Type': 'text/event-stream; charset=utf-8' },
            ResponseBody: stream.match(/.*\n+/g),
          },
          {
            RequestUri: 'https://h.openai.azure.com/v1/b',
            RequestMethod: 'POST',
            RequestHeaders: { 'Content-Type': 'audio/mpeg' },
            RequestBody: audio.toString('base64'),
            StatusCode: 200,
            ResponseHeaders: { 'Content-Type': 'application/json', 'X-Two': ['a', 'b'] },
            ResponseBody: JSON.parse(answer) as unknown,
          },
          {
            RequestUri: 'https://h.openai.azure.com/v1/e',
            RequestMethod: 'GET',
            RequestHeaders: {},
            RequestBody: null,
            StatusCode: 202,
            ResponseHeaders: {},
            ResponseBody: [],
          },
        ],
        Variables: {},
      }),
    },
    replays: [
      {
        path: '/openai/deployments/d/chat/completions?api-version=2024-10-21',
        body: question,
        answer: stream,
        answerType: 'text/event-stream; charset=utf-8',
      },
      { path: '/v1/b', body: audio, type: 'audio/mpeg', answer },
      { method: 'GET', path: '/v1/e', status: 202, answer: '', answerType: '' },
    ],
  },
  'JSON lines of HTTP messages, of bodies alone, and of a batch': {
    format: 'JSON request-response file',
    files: {
      'a.jsonl': `${JSON.stringify({ request: { method: 'POST', url: `https://api.openai.com${chat}`, body: JSON.parse(question) as unknown }, response: { status: 200, headers: { 'content-type': 'application/json' }, body: answer } })}\n`,
      'b.jsonl': [second, answer]
        .map(
          (text) =>
            `${JSON.stringify({ request: { model: 'gpt-4o', messages: [] }, response: JSON.parse(text) as unknown })}\n`,
        )
        .join(''),
      'c.jsonl': [
        { custom_id: 'r1', method: 'POST', url: '/v1/responses', body: { input: 'a' } },
        { custom_id: 'r2', method: 'POST', url: '/v1/responses', body: { input: 'b' } },
        {
          id: 'batch_req_2',
          custom_id: 'r2',
          response: { status_code: 400, request_id: 'x', body: { n: 2 } },
          error: null,
        },
        {
          id: 'batch_req_1',
          custom_id: 'r1',
          response: { status_code: 200, request_id: 'x', body: { n: 1 } },
          error: null,
        },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    },
    replays: [
      asked,
      { body: '{"messages":[],"model":"gpt-4o"}', answer: second },
      { body: '{"messages":[],"model":"gpt-4o"}', answer },
      { path: '/v1/responses', body: '{"input":"a"}', answer: '{"n":1}' },
      { path: '/v1/responses', body: '{"input":"b"}', answer: '{"n":2}', status: 400 },
    ],
  },
}
