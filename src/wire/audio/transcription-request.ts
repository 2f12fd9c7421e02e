import {
  type Parsed,
  faultError,
  createFault,
  missing,
  plainFault,
  prefixPath,
  wrongType,
  type Check,
  type Fault,
} from '../validation/fault.ts'
import { isRecord } from '../../lib/record.ts'
import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import type { MultipartForm, FormFile } from '../multipart.ts'
import { decimalBetween, oneOf, text } from '../validation/checks.ts'

/** File name extensions that the service accepts, in the order of its error message. */
const fileTypes = ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']

/** The operation. Translations are into English, so they have no language, and no timestamps. */
export type AudioTask = 'transcribe' | 'translate'

const formats = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const
const diarizingFormats = ['json', 'text', 'diarized_json'] as const

/** Returns whether the model identifies speakers. */
function diarizes(model: Model): boolean {
  return model.name.endsWith('-diarize')
}

/** Returns whether the model is whisper, which is billed by time, supports subtitles, and does not stream. */
export function isWhisper(model: Model): boolean {
  return model.name === 'whisper'
}

/** Validates the form of a transcription or a translation. Returns the error of the service, or undefined. Never throws. */
export function validateTranscription(
  form: MultipartForm,
  model: Model,
  task: AudioTask,
): ServiceError | undefined {
  const fault = firstFault(form, model, task)
  return fault && faultError(fault)
}

type FormCheck = (form: MultipartForm, model: Model) => Fault | undefined

const single =
  (name: string, checkOf: (model: Model) => Check): FormCheck =>
  (form, model) =>
    fieldFault(form, name, checkOf(model))

/** The fields of both operations except the file and the model. */
const commonChecks: ReadonlyMap<string, FormCheck> = new Map([
  ['response_format', single('response_format', formatOf)],
  ['prompt', single('prompt', () => text())],
  ['temperature', single('temperature', () => temperature)],
])

const transcriptionChecks: ReadonlyMap<string, FormCheck> = new Map([
  ...commonChecks,
  ['language', single('language', () => language)],
  ['stream', single('stream', () => oneOf('true', 'false'))],
  ['timestamp_granularities[]', granularityFault],
  ['include[]', includeFault],
  ['chunking_strategy', single('chunking_strategy', () => chunkingStrategy)],
])

/** The checks of a task by the name of the field, in the order of the service. */
export function audioFormChecks(task: AudioTask): ReadonlyMap<string, FormCheck> {
  return task === 'transcribe' ? transcriptionChecks : commonChecks
}

function firstFault(form: MultipartForm, model: Model, task: AudioTask): Fault | undefined {
  const file = fileFault(form)
  if (file) return file
  for (const check of audioFormChecks(task).values()) {
    const fault = check(form, model)
    if (fault) return fault
  }
  return undefined
}

/** 400: the audio is too short. */
export function audioTooShort(): ServiceError {
  return faultError(tooShortFault())
}

function tooShortFault(): Fault {
  const message = 'Audio file is too short. Minimum audio length is 0.1 seconds.'
  return plainFault('file', message, 'audio_too_short')
}

function fileFault(form: MultipartForm): Fault | undefined {
  const file = form.file('file')
  if (!file) return missing('.file')
  if (file.bytes.length === 0) return tooShortFault()
  const ending = /\.([a-z0-9]+)$/i.exec(file.name)?.[1]?.toLowerCase()
  if (ending !== undefined && fileTypes.includes(ending)) return undefined
  const list = fileTypes.map((type) => `'${type}'`).join(', ')
  return plainFault(null, `Invalid file format. Supported formats: [${list}]`)
}

/** The error message of newer models is that of OpenAI's API (public reports, 2025 and 2026). */
function formatOf(model: Model): Check {
  if (diarizes(model)) return oneOf(...diarizingFormats)
  const known = oneOf(...formats)
  if (isWhisper(model)) return known
  return (value) => {
    const fault = known(value)
    if (fault || value === 'json' || value === 'text') return fault
    return createFault(
      'unsupported_value',
      (path) =>
        `${path} '${String(value)}' is not compatible with model '${model.errorName}'. Use 'json' or 'text' instead.`,
    )
  }
}

/** Numbers in a form are text, so the text is converted first. */
const temperature: Check = (value) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  return decimalBetween(0, 1)(Number.isNaN(number) ? value : number)
}

/** ISO 639 with two or three letters (OpenAI's specification). */
const language = text({ maxLength: 3, pattern: /^[A-Za-z]{2,3}$/ })

const granularity = oneOf('word', 'segment')

function granularityFault(form: MultipartForm): Fault | undefined {
  const granularities = granularitiesOf(form)
  for (const [index, value] of granularities.entries()) {
    const fault = granularity(value)
    if (fault) return prefixPath(`.timestamp_granularities[${index}]`, fault)
  }
  if (granularities.length === 0 || form.text('response_format') === 'verbose_json') return undefined
  return plainFault(
    'timestamp_granularities',
    "The 'timestamp_granularities' parameter is only allowed when 'response_format' is 'verbose_json'.",
  )
}

/** Clients send the name of an array field with or without brackets. */
function granularitiesOf(form: MultipartForm): readonly string[] {
  return [...form.texts('timestamp_granularities[]'), ...form.texts('timestamp_granularities')]
}

function includedIn(form: MultipartForm): readonly string[] {
  return [...form.texts('include[]'), ...form.texts('include')]
}

const included = oneOf('logprobs')

function includeFault(form: MultipartForm): Fault | undefined {
  for (const [index, value] of includedIn(form).entries()) {
    const fault = included(value)
    if (fault) return prefixPath(`.include[${index}]`, fault)
  }
  return undefined
}

/** `auto`, or an object as JSON. */
const chunkingStrategy: Check = (value) => {
  if (value === 'auto') return undefined
  try {
    if (typeof value === 'string' && isRecord(JSON.parse(value))) return undefined
  } catch {
    // Neither of the two.
  }
  return wrongType("one of 'auto' or object", value)
}

/** An empty field counts as absent, since forms contain empty fields. */
function fieldFault(form: MultipartForm, name: string, check: Check): Fault | undefined {
  const value = form.text(name)
  if (value === undefined || value === '') return undefined
  const fault = check(value)
  return fault && prefixPath(`.${name}`, fault)
}

/** The formats of a transcript. */
export type TranscriptFormat = 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json' | 'diarized_json'

/** The fields of a valid transcription or translation, with default values. */
export interface TranscriptionRequest {
  readonly file: FormFile
  readonly format: TranscriptFormat
  /** Code of the spoken language, such as `de`. Undefined if the model must detect it. */
  readonly language: string | undefined
  readonly prompt: string
  readonly temperature: number
  /** The timestamps in `verbose_json`; default `segment`. */
  readonly granularities: ReadonlySet<'word' | 'segment'>
  readonly stream: boolean
  /** Whether the answer contains the log probabilities of the tokens. */
  readonly logprobs: boolean
}

const noFile: FormFile = { name: '', bytes: Buffer.alloc(0) }

/** Reads a valid form. Empty fields count as absent. */
function readTranscriptionForm(form: MultipartForm): TranscriptionRequest {
  const granularities = granularitiesOf(form) as readonly ('word' | 'segment')[]
  return {
    file: form.file('file') ?? noFile,
    format: (form.text('response_format') || 'json') as TranscriptFormat,
    language: form.text('language') || undefined,
    prompt: form.text('prompt') ?? '',
    temperature: Number(form.text('temperature') || 0),
    granularities: new Set(granularities.length === 0 ? ['segment'] : granularities),
    stream: form.text('stream') === 'true',
    logprobs: includedIn(form).includes('logprobs'),
  }
}

/** Parses and validates the form of a transcription or a translation. */
export function parseTranscriptionRequest(
  form: MultipartForm,
  model: Model,
  task: AudioTask,
): Parsed<TranscriptionRequest> {
  const error = validateTranscription(form, model, task)
  return error ? { ok: false, error } : { ok: true, request: readTranscriptionForm(form) }
}
