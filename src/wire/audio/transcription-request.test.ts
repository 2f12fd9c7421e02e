import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import type { MultipartForm } from '../multipart.ts'
import { validateTranscription } from './transcription-request.ts'
import { errorBody } from '../../../tests/support/error-body.ts'

const whisper = findModel('whisper')!
const later = findModel('gpt-4o-transcribe')!
const diarize = findModel('gpt-4o-transcribe-diarize')!

type Fields = Readonly<Record<string, string | readonly string[]>>

const formOf = (fields: Fields, fileName: string | undefined = 'a.wav', bytes = 'x'): MultipartForm => {
  const texts = (name: string): string[] => [fields[name] ?? []].flat()
  return {
    texts,
    text: (name) => texts(name)[0],
    file: (name) =>
      name === 'file' && fileName !== '' ? { name: fileName, bytes: Buffer.from(bytes) } : undefined,
    files: () => [],
    fields: Object.keys(fields).flatMap((name) => texts(name).map((value) => ({ name, value }))),
  }
}

describe('validateTranscription', () => {
  it.each([
    [{}, whisper],
    [{ response_format: 'srt', language: 'de', prompt: 'x', temperature: '0.4', stream: 'false' }, whisper],
    [{ response_format: 'verbose_json', 'timestamp_granularities[]': ['word', 'segment'] }, whisper],
    [{ response_format: 'text', stream: 'true', language: '' }, later],
    [{ response_format: 'diarized_json' }, diarize],
  ] as const)('accepts %j', (fields, model) => {
    expect(validateTranscription(formOf(fields), model, 'transcribe')).toBeUndefined()
  })

  it.each([
    [
      { response_format: 'xml' },
      whisper,
      'response_format',
      'invalid_value',
      "Invalid value: 'xml'. Supported values are: 'json', 'text', 'srt', 'verbose_json', and 'vtt'.",
    ],
    [
      { response_format: 'srt' },
      later,
      'response_format',
      'unsupported_value',
      "response_format 'srt' is not compatible with model 'gpt-4o-transcribe'. Use 'json' or 'text' instead.",
    ],
    [
      { response_format: 'srt' },
      diarize,
      'response_format',
      'invalid_value',
      "Invalid value: 'srt'. Supported values are: 'json', 'text', and 'diarized_json'.",
    ],
    [
      { temperature: 'hot' },
      whisper,
      'temperature',
      'invalid_type',
      "Invalid type for 'temperature': expected a decimal, but got a string instead.",
    ],
    [
      { temperature: '1.5' },
      whisper,
      'temperature',
      'decimal_above_max_value',
      "Invalid 'temperature': decimal above maximum value. Expected a value <= 1, but got 1.5 instead.",
    ],
    [
      { response_format: 'verbose_json', 'timestamp_granularities[]': ['word', 'letter'] },
      whisper,
      'timestamp_granularities[1]',
      'invalid_value',
      "Invalid value: 'letter'. Supported values are: 'word' and 'segment'.",
    ],
    [
      { 'timestamp_granularities[]': ['word'] },
      whisper,
      'timestamp_granularities',
      null,
      "The 'timestamp_granularities' parameter is only allowed when 'response_format' is 'verbose_json'.",
    ],
    [
      { stream: 'yes' },
      later,
      'stream',
      'invalid_value',
      "Invalid value: 'yes'. Supported values are: 'true' and 'false'.",
    ],
  ] as const)('refuses %j', (fields, model, param, code, message) => {
    const error = validateTranscription(formOf(fields), model, 'transcribe')
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })

  it.each([
    ['no file', '', 'x', 'file', "Missing required parameter: 'file'."],
    ['an empty file', 'a.wav', '', 'file', 'Audio file is too short. Minimum audio length is 0.1 seconds.'],
    [
      'a file of another kind',
      'a.txt',
      'x',
      null,
      "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']",
    ],
  ])('rejects %s', (_, fileName, bytes, param, message) => {
    const error = validateTranscription(formOf({}, fileName, bytes), whisper, 'translate')
    expect(JSON.parse(errorBody(error))).toMatchObject({ error: { message, param } })
  })

  it('ignores fields of transcriptions in a translation', () => {
    const form = formOf({ language: '123456', stream: 'yes' })
    expect(validateTranscription(form, whisper, 'translate')).toBeUndefined()
  })
})
