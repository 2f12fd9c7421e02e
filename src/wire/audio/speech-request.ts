import { parsed, type Parsed, createFault, type Check, validateBody, type Rule } from '../validation/fault.ts'
import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { objectOf, optional, required, anything, decimalBetween, oneOf, text } from '../validation/checks.ts'

/** OpenAI's specification: the longest input and the longest instructions. */
const MAX_LENGTH = 4_096

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
    return createFault(
      'unsupported_value',
      (path) =>
        `Unsupported value: '${path}' does not support '${value}' in this simulator. Supported values are: 'mp3', 'wav', and 'pcm'.`,
    )
  }
  return oneOf('mp3', 'opus', 'aac', 'flac', 'wav', 'pcm')(value)
}

const fields = objectOf([
  required('input', text({ minLength: 1, maxLength: MAX_LENGTH })),
  required('voice', oneOf(...voices)),
  optional('model', anything),
  optional('instructions', text({ maxLength: MAX_LENGTH })),
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

/** The containers and codecs that the simulator makes; the service knows three more. */
export type SpeechFormat = 'mp3' | 'wav' | 'pcm'

/** The fields of a valid request for speech that the simulator reads. Null means absent. */
export interface SpeechRequest {
  /** At most 4,096 characters. */
  readonly input: string
  readonly voice: string
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  /** Absent means `mp3`. */
  readonly response_format?: SpeechFormat | null
  /** 0.25 to 4; absent means 1. */
  readonly speed?: number | null
  readonly instructions?: string | null
  /** `sse` sends the audio in events; absent means `audio`. */
  readonly stream_format?: 'audio' | 'sse' | null
}

/** Checks the body of a request for speech. */
export function parseSpeechRequest(body: unknown, model: Model): Parsed<SpeechRequest> {
  return parsed<SpeechRequest>(body, validateSpeech(body, model))
}
