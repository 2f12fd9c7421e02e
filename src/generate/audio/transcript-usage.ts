import type { Usage } from '../../answer/completion.ts'
import type { Transcript } from './transcript-parts.ts'

/** Ten tokens a second: one for 100 ms of the caller's audio (OpenAI, "Realtime costs"). */
const audioTokensPerSecond = 10

/** What a transcript costs on models that are billed in tokens. */
export interface TranscriptUsage {
  readonly textTokens: number
  readonly audioTokens: number
  readonly outputTokens: number
}

/** Counts what was heard, read (the prompt's tokens) and written. */
export function transcriptUsage(
  { durationSeconds, pieces }: Transcript,
  textTokens: number,
): TranscriptUsage {
  return {
    textTokens,
    audioTokens: Math.ceil(durationSeconds * audioTokensPerSecond),
    outputTokens: pieces.length,
  }
}

/** As limits and metrics want it. */
export function toUsage({ textTokens, audioTokens, outputTokens }: TranscriptUsage): Usage {
  return {
    promptTokens: textTokens + audioTokens,
    cachedTokens: 0,
    completionTokens: outputTokens,
    reasoningTokens: 0,
  }
}

/** As models that are billed in tokens tell it. */
export function tokensJson({ textTokens, audioTokens, outputTokens }: TranscriptUsage): string {
  const input = textTokens + audioTokens
  return `{"type":"tokens","input_tokens":${input},"input_token_details":{"text_tokens":${textTokens},"audio_tokens":${audioTokens}},"output_tokens":${outputTokens},"total_tokens":${input + outputTokens}}`
}

/** As whisper tells it, which is billed by the second. */
export function durationJson({ durationSeconds }: Transcript): string {
  return `{"type":"duration","seconds":${Math.ceil(durationSeconds)}}`
}
