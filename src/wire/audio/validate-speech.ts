import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { faultHere, type Check } from '../validation/fault.ts'
import { objectOf, optional, required } from '../validation/object-of.ts'
import { anything, decimalBetween, oneOf, text } from '../validation/scalars.ts'
import { validateBody, type Rule } from '../validation/validate-body.ts'

/** OpenAI's specification: the longest input and the longest instructions. */
const maxLength = 4_096

/** The built-in voices of OpenAI's specification of 2026. */
export const voices = [
  'alloy',
  'ash',
  'ballad',
  'coral',
  'echo',
  'fable',
  'nova',
  'onyx',
  'sage',
  'shimmer',
  'verse',
  'marin',
  'cedar',
] as const

/** Codecs of the service for which there is no encoder here; other bytes under their name would be a lie. */
const format: Check = (value) => {
  if (value === 'opus' || value === 'aac' || value === 'flac') {
    return faultHere(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${value}' in this simulator. Supported values are: 'mp3', 'wav', and 'pcm'.`,
    )
  }
  return oneOf('mp3', 'opus', 'aac', 'flac', 'wav', 'pcm')(value)
}

const fields = objectOf([
  required('input', text({ minLength: 1, maxLength })),
  required('voice', oneOf(...voices)),
  optional('model', anything),
  optional('instructions', text({ maxLength })),
  optional('response_format', format),
  optional('speed', decimalBetween(0.25, 4)),
  optional('stream_format', oneOf('audio', 'sse')),
])

/** OpenAI's specification: events are for the models after tts and tts-hd. */
const eventsNeedModel: Rule = ({ stream_format: streamFormat }, { name }) =>
  streamFormat === 'sse' && /^tts(-hd)?$/.test(name)
    ? {
        path: '.stream_format',
        code: 'unsupported_value',
        message: (path) =>
          `Unsupported value: '${path}' does not support 'sse' with this model. Supported values are: 'audio'.`,
      }
    : undefined

/** What the service refuses in the body of a request for speech; undefined when nothing. Never throws. */
export function validateSpeech(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, [eventsNeedModel], model)
}
