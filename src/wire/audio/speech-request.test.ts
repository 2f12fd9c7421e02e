import { describe, expect, it } from 'vitest'
import { findModel } from '../models/model-catalogue.ts'
import { validateSpeech } from './speech-request.ts'

const tts = findModel('tts')!
const mini = findModel('gpt-4o-mini-tts')!
const input = 'Hello'
const voice = 'alloy'
import { errorBody } from '../../../tests/support/error-body.ts'

describe('validateSpeech', () => {
  it.each([
    [{ input, voice, response_format: 'wav', speed: 4, model: 'ignored' }, tts],
    [{ input: 'x'.repeat(4_096), voice: 'verse', instructions: 'Softly', stream_format: 'sse' }, mini],
    [{ input, voice, response_format: null, speed: null }, mini],
  ])('accepts %j', (body, model) => {
    expect(validateSpeech(body, model)).toBeUndefined()
  })

  it.each([
    [{ voice }, tts, 'input', 'missing_required_parameter', "Missing required parameter: 'input'."],
    [{ input }, tts, 'voice', 'missing_required_parameter', "Missing required parameter: 'voice'."],
    [
      { input: '', voice },
      tts,
      'input',
      'empty_string',
      "Invalid 'input': empty string. Expected a string with minimum length 1, but got an empty string instead.",
    ],
    [
      { input: 'x'.repeat(4_097), voice },
      tts,
      'input',
      'string_above_max_length',
      "Invalid 'input': string too long. Expected a string with maximum length 4096, but got a string with length 4097 instead.",
    ],
    [
      { input, voice, speed: 5 },
      tts,
      'speed',
      'decimal_above_max_value',
      "Invalid 'speed': decimal above maximum value. Expected a value <= 4, but got 5 instead.",
    ],
    [
      { input, voice, response_format: 'opus' },
      tts,
      'response_format',
      'unsupported_value',
      "Unsupported value: 'response_format' does not support 'opus' in this simulator. Supported values are: 'mp3', 'wav', and 'pcm'.",
    ],
    [
      { input, voice, stream_format: 'sse' },
      tts,
      'stream_format',
      'unsupported_value',
      "Unsupported value: 'stream_format' does not support 'sse' with this model. Supported values are: 'audio'.",
    ],
  ])('rejects %j', (body, model, param, code, message) => {
    const error = validateSpeech(body, model)
    expect(JSON.parse(errorBody(error))).toEqual({
      error: { message, type: 'invalid_request_error', param, code },
    })
  })

  it('lists all voices for an unknown one', () => {
    const error = validateSpeech({ input, voice: 'unknown' }, tts)
    expect(errorBody(error)).toContain("Invalid value: 'unknown'. Supported values are: 'alloy', 'ash',")
  })
})
