import { describe, expect, it } from 'vitest'
import { errorBody } from '../../../tests/support/error-body.ts'
import { pngUrl } from '../../../tests/support/pictures.ts'
import { validateChat } from '../chat/validate-chat.ts'
import { findModel } from '../models/model-catalogue.ts'
import { validateResponses } from '../responses/validate-responses.ts'

const model = findModel('gpt-4o')!
const text = { type: 'text', text: 'What is this?' }
const hello = 'data:image/png;base64,aGVsbG8='
const example = "(e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=')"
const fileExample = "(e.g. 'data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ==')"

function chatError(...parts: readonly object[]): unknown {
  return JSON.parse(
    errorBody(validateChat({ messages: [{ role: 'user', content: [text, ...parts] }] }, model)),
  )
}

function responsesError(part: object, field: 'content' | 'output' = 'content'): unknown {
  const item =
    field === 'content'
      ? { role: 'user', content: [{ type: 'input_text', text: 'x' }, part] }
      : { type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }, part] }
  return JSON.parse(errorBody(validateResponses({ input: [item] }, model)))
}

const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const badRequest = (message: string) => ({ error: { code: 'BadRequest', message, param: null, type: null } })
const invalid = (param: string | null, message: string, code: string | null = 'invalid_value') => ({
  error: { message, type: 'invalid_request_error', param, code },
})

describe('picture in a chat message', () => {
  it.each([
    [
      '/tmp/cat.png',
      badRequest(
        'Invalid image URL. The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 encoding.',
      ),
    ],
    [hello, badRequest('Invalid image data.')],
    [
      'data:application/pdf;base64,JVBERg==',
      invalid(
        'messages[0].content[1].image_url.url',
        `Invalid image URL: 'messages[0].content[1].image_url.url'. Expected a base64-encoded data URL with an image MIME type ${example}, but got unsupported MIME type 'application/pdf'.`,
      ),
    ],
    [
      'data:image/png;base64,hello',
      invalid(
        'messages[0].content[1].image_url.url',
        `Invalid image URL: 'messages[0].content[1].image_url.url'. Expected a base64-encoded data URL with an image MIME type ${example}, but got an invalid base64-encoded value.`,
      ),
    ],
    [
      pngUrl() + 'A'.repeat(28 * 1024 * 1024),
      invalid(
        null,
        "You uploaded an unsupported image. Please make sure your image is below 20 MB in size and is of one the following formats: ['png', 'jpeg', 'gif', 'webp'].",
        'sanitizer_server_error',
      ),
    ],
  ])('is refused if it is %.40s', (url, error) => {
    expect(chatError(image(url))).toEqual(error)
  })

  it('is accepted as a web address or a data URL', () => {
    expect(chatError(image('https://example.com/cat.png'), image(pngUrl()))).toEqual({})
  })

  it('is decoded only if the rest of the request is valid', () => {
    expect(chatError(image(hello), { type: 'text', text: 7 })).toMatchObject({
      error: { param: 'messages[0].content[2].text' },
    })
  })
})

describe.each(['content', 'output'] as const)('picture in the %s of an item', (field) => {
  const at = `input[0].${field}[1]`
  it.each([
    [
      '/tmp/cat.png',
      invalid(
        `${at}.image_url`,
        `Invalid '${at}.image_url'. Expected a valid URL, but got a value with an invalid format.`,
      ),
    ],
    [
      'data:image/png;base64,',
      invalid(
        `${at}.image_url`,
        `Invalid '${at}.image_url'. Expected a base64-encoded data URL with an image MIME type ${example}, but got empty base64-encoded bytes.`,
      ),
    ],
    [
      hello,
      invalid(
        'input',
        "The image data you provided does not represent a valid image. Please check your input and try again with one of the supported image formats: ['image/jpeg', 'image/png', 'image/gif', 'image/webp'].",
      ),
    ],
  ])('is refused if it is %j', (url, error) => {
    expect(responsesError({ type: 'input_image', image_url: url }, field)).toEqual(error)
  })

  it('is accepted as a web address, a data URL or the id of a file', () => {
    for (const part of [
      { image_url: 'https://example.com/cat.png' },
      { image_url: pngUrl() },
      { file_id: 'file-1' },
      { file_id: 'assistant-1' },
    ]) {
      expect(responsesError({ type: 'input_image', ...part }, field)).toEqual({})
    }
  })
})

describe('file in the input of a response', () => {
  const at = 'input[0].content[1]'
  it.each([
    [
      { file_data: 'JVBERg==' },
      invalid(
        `${at}.file_data`,
        `Invalid file data: '${at}.file_data'. Expected a base64-encoded data URL with a valid file MIME type ${fileExample}, but got a value without the 'data:' prefix.`,
      ),
    ],
    [
      { file_data: 'data:application/octet-stream;base64,JVBERg==' },
      invalid(
        `${at}.file_data`,
        `Invalid file data: '${at}.file_data'. Expected a base64-encoded data URL with a valid file MIME type ${fileExample}, but got unsupported MIME type 'application/octet-stream'.`,
      ),
    ],
    [
      { file_data: 'data:application/pdf;base64,%' },
      invalid(
        `${at}.file_data`,
        `Invalid file data: '${at}.file_data'. Expected a base64-encoded data URL with a valid file MIME type ${fileExample}, but got an invalid base64-encoded value.`,
      ),
    ],
    [
      { file_url: 'report.pdf' },
      invalid(
        `${at}.file_url`,
        `Invalid '${at}.file_url'. Expected a valid URL, but got a value with an invalid format.`,
      ),
    ],
    [
      { file_id: 'vs_1' },
      invalid(`${at}.file_id`, `Invalid '${at}.file_id': 'vs_1'. Expected an ID that begins with 'file'.`),
    ],
  ])('is refused if it is %j', (source, error) => {
    expect(responsesError({ type: 'input_file', ...source })).toEqual(error)
  })

  it.each([
    { file_data: 'data:application/pdf;base64,JVBERg==', filename: 'a.pdf' },
    { file_data: 'data:text/plain;charset=utf-8;base64,JVBERg==', filename: 'a.txt' },
    { file_url: 'https://example.com/report.pdf' },
    { file_id: 'file-1' },
  ])('is accepted: %j', (source) => {
    expect(responsesError({ type: 'input_file', ...source })).toEqual({})
  })
})

describe('media that a model does not accept', () => {
  const pictures = (count: number): object[] =>
    Array.from({ length: count }, () => image('https://example.com/'))
  const unsupported = (type: string) => ({
    message: `Invalid content type. ${type} is only supported by certain models.`,
    param: 'messages.[0].content.[1].type',
    code: null,
  })
  const file = {
    type: 'file',
    file: { file_data: 'data:application/pdf;base64,JVBERg==', filename: 'a.pdf' },
  }
  const wav = Buffer.from('RIFF____WAVEfmt ').toString('base64')
  const audio = { type: 'input_audio', input_audio: { data: wav, format: 'wav' } }
  const noFile = {
    message: "Invalid Value: 'file'. This model does not support file content types.",
    param: 'messages[0].content[1].type',
    code: 'invalid_value',
  }

  it.each([
    ['gpt-4', pictures(1), unsupported('image_url')],
    ['gpt-35-turbo', pictures(1), unsupported('image_url')],
    ['o3-mini', pictures(1), unsupported('image_url')],
    ['gpt-4o', [file], noFile],
    ['gpt-4.1', [file], noFile],
    ['gpt-5', [file], noFile],
    ['gpt-5.6-sol', [file], noFile],
    ['gpt-4o', [audio], unsupported('input_audio')],
    ['gpt-5', [audio], unsupported('input_audio')],
    [
      'gpt-4o',
      pictures(51),
      {
        message: 'Exceeded maximum number of images (50) allowed in the request.',
        param: 'input',
        code: null,
      },
    ],
  ])('is refused in chat with %s', (name, parts, error) => {
    const body = { messages: [{ role: 'user', content: [text, ...parts] }] }
    expect(JSON.parse(errorBody(validateChat(body, findModel(name)!)))).toEqual({
      error: { type: 'invalid_request_error', ...error },
    })
  })

  it('must be audio of the given format', () => {
    const audioOf = (data: string, format: string): object[] => [
      { type: 'input_audio', input_audio: { data, format } },
    ]
    const errorOf = (parts: object[]): unknown =>
      validateChat({ messages: [{ role: 'user', content: parts }] }, findModel('gpt-audio')!)
    const mp3 = Buffer.from([0xff, 0xf3, 0x64, 0xc4]).toString('base64')
    expect(errorOf(audioOf(mp3, 'mp3'))).toBeUndefined()
    expect(errorOf(audioOf(Buffer.from('ID3').toString('base64'), 'mp3'))).toBeUndefined()
    for (const parts of [
      audioOf(mp3, 'wav'),
      audioOf(wav, 'mp3'),
      audioOf('', 'wav'),
      audioOf('%%', 'mp3'),
    ]) {
      expect(errorOf(parts)).toMatchObject({ code: 'unsupported_format', param: 'messages' })
    }
  })

  it.each([
    ['gpt-4o', pictures(50)],
    ['gpt-4.1-nano', [file]],
    ['gpt-5-mini', [file]],
    ['gpt-5.4', [file]],
    ['gpt-audio', [audio]],
    ['grok-4-1-fast-non-reasoning', pictures(1)],
  ])('are accepted in chat with %s', (name, parts) => {
    const body = { messages: [{ role: 'user', content: [text, ...parts] }] }
    expect(validateChat(body, findModel(name)!)).toBeUndefined()
  })

  const inputImages = (count: number): object[] =>
    Array.from({ length: count }, () => ({ type: 'input_image', image_url: 'https://example.com/' }))
  const screenshot = {
    type: 'computer_call_output',
    call_id: 'c',
    output: { type: 'computer_screenshot', image_url: 'https://example.com/' },
  }
  const tooMany = {
    message: 'Exceeded maximum number of images (50) allowed in the request.',
    param: 'input',
    code: null,
  }

  it.each<[string, string, object[], object]>([
    ['pictures', 'gpt-4o', [{ role: 'user', content: inputImages(51) }], tooMany],
    [
      'pictures of tools',
      'gpt-5',
      [
        { role: 'user', content: inputImages(30) },
        { type: 'function_call_output', call_id: 'c', output: inputImages(21) },
      ],
      tooMany,
    ],
    ['screenshots', 'computer-use-preview', Array.from({ length: 51 }, () => screenshot), tooMany],
    [
      'a picture',
      'o3-mini',
      [{ role: 'user', content: inputImages(1) }],
      {
        message:
          "Model 'o3-mini' does not support image inputs. Try again with a vision model. To find out which models are vision-enabled, visit our our models documentation: https://platform.openai.com/docs/models",
        param: 'input',
        code: null,
      },
    ],
    [
      'a file',
      'o3-mini',
      [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }],
      {
        message: "Invalid Value: 'input_file'. This model does not support file content types.",
        param: 'input[0].content[0]',
        code: 'invalid_value',
      },
    ],
    [
      'large pictures',
      'gpt-4o',
      [
        {
          role: 'user',
          content: [1, 2].map(() => ({
            type: 'input_image',
            image_url: pngUrl() + 'A'.repeat(40 * 1024 * 1024),
          })),
        },
      ],
      {
        message: 'Total image size is 60.0MB, which exceeds the allowed limit of 50.0MB.',
        param: 'input',
        code: null,
      },
    ],
  ])('is refused in responses: %s with %s', (_, name, input, error) => {
    expect(JSON.parse(errorBody(validateResponses({ input }, findModel(name)!)))).toEqual({
      error: { type: 'invalid_request_error', ...error },
    })
  })

  it('are accepted in responses up to the limit', () => {
    expect(validateResponses({ input: [{ role: 'user', content: inputImages(50) }] }, model)).toBeUndefined()
  })
})
