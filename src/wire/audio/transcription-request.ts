import type { FormFile, MultipartForm } from '../multipart.ts'
import { granularitiesOf } from './validate-transcription.ts'

/** The forms of a transcript. */
export type TranscriptFormat = 'json' | 'text' | 'srt' | 'vtt' | 'verbose_json' | 'diarized_json'

/** A valid form of a transcription or a translation; fields that are absent have their defaults. */
export interface TranscriptionRequest {
  readonly file: FormFile
  readonly format: TranscriptFormat
  /** The code of the language spoken, such as `de`; undefined leaves it to the model. */
  readonly language: string | undefined
  readonly prompt: string
  readonly temperature: number
  /** What `verbose_json` times; `segment` unless asked otherwise. */
  readonly granularities: ReadonlySet<'word' | 'segment'>
  readonly stream: boolean
}

const noFile: FormFile = { name: '', bytes: Buffer.alloc(0) }

/** Reads a form that validation has let through; a form holds texts, and a blank one counts as absent. */
export function readTranscriptionForm(form: MultipartForm): TranscriptionRequest {
  const granularities = granularitiesOf(form) as readonly ('word' | 'segment')[]
  return {
    file: form.file('file') ?? noFile,
    format: (form.text('response_format') || 'json') as TranscriptFormat,
    language: form.text('language') || undefined,
    prompt: form.text('prompt') ?? '',
    temperature: Number(form.text('temperature') || 0),
    granularities: new Set(granularities.length === 0 ? ['segment'] : granularities),
    stream: form.text('stream') === 'true',
  }
}
