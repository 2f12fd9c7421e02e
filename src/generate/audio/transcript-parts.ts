/** A word and when it is heard, in seconds. */
export interface TimedWord {
  readonly word: string
  readonly start: number
  readonly end: number
}

/** A sentence and when it is heard, in seconds. */
export interface TimedSentence {
  /** Without a space at its start. */
  readonly text: string
  readonly start: number
  readonly end: number
  readonly words: readonly TimedWord[]
}

/** What is heard in a file. */
export interface Transcript {
  readonly durationSeconds: number
  readonly text: string
  /** The text in pieces of one token each. */
  readonly pieces: readonly string[]
  readonly sentences: readonly TimedSentence[]
}
