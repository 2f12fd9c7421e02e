import { parsed, type Parsed, createFault, type Check, validateBody, type Rule } from '../validation/fault.ts'
import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { objectOf, optional, required, anything, decimalBetween, oneOf, text } from '../validation/checks.ts'

/** For input and instructions, in characters (OpenAI's specification). */
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

/** The simulator has no encoder for some codecs of the service. It rejects them instead of sending another format. */
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

/** The fields of a request for speech. */
export const speechFields = [
  required('input', text({ minLength: 1, maxLength: MAX_LENGTH })),
  required('voice', oneOf(...voices)),
  optional('model', anything),
  optional('instructions', text({ maxLength: MAX_LENGTH })),
  optional('response_format', format),
  optional('speed', decimalBetween(0.25, 4)),
  optional('stream_format', oneOf('audio', 'sse')),
]
const fields = objectOf(speechFields)

/** Models newer than tts and tts-hd support events (OpenAI's specification). */
const eventsNeedModel: Rule = ({ stream_format: streamFormat }, { name }) =>
  streamFormat === 'sse' && /^tts(-hd)?$/.test(name)
    ? {
        path: '.stream_format',
        code: 'unsupported_value',
        message: (path) =>
          `Unsupported value: '${path}' does not support 'sse' with this model. Supported values are: 'audio'.`,
      }
    : undefined

/** Validates the body of a request for speech. Returns the error of the service, or undefined. Never throws. */
export function validateSpeech(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, [eventsNeedModel], model)
}

/** The formats that the simulator supports. The service has three more. */
export type SpeechFormat = 'mp3' | 'wav' | 'pcm'

/** The fields of a valid request for speech that the simulator uses. Null means absent. */
export interface SpeechRequest {
  /** At most 4,096 characters. */
  readonly input: string
  readonly voice: string
  /** The deployment, if the path does not contain it. Otherwise ignored and of any type. */
  readonly model?: unknown
  /** Absent means `mp3`. */
  readonly response_format?: SpeechFormat | null
  /** From 0.25 to 4. Absent means 1. */
  readonly speed?: number | null
  readonly instructions?: string | null
  /** `sse` sends the audio as events. Absent means `audio`. */
  readonly stream_format?: 'audio' | 'sse' | null
}

/** Parses and validates the body of a request for speech. */
export function parseSpeechRequest(body: unknown, model: Model): Parsed<SpeechRequest> {
  return parsed<SpeechRequest>(body, validateSpeech(body, model))
}
