/** Exit codes of errors in the operator's input (configuration, files, extensions): 2 for wrong usage, 1 for other failures. */
const exitCodes = {
  /** A flag, an environment variable or the deployment file is invalid. */
  CONFIG_INVALID: 2,
  /** An extension cannot be loaded, is not a valid extension, or fails to start. */
  EXTENSION_INVALID: 2,
  /** A file in TIKTOKEN_CACHE_DIR cannot be read, or is not the official file. */
  ENCODINGS_INVALID: 1,
  /** The address is in use, or listening on it is not permitted. */
  LISTEN_FAILED: 1,
  /** The folder of recordings, or a file in it, cannot be read. */
  RECORDINGS_UNREADABLE: 1,
  /** Recordings cannot be written to the folder of recordings. */
  RECORDINGS_UNWRITABLE: 1,
  /** A recording file has an entry that cannot be replayed or cleaned. */
  RECORDINGS_INVALID: 1,
  /** Two files or folders of recordings differ. */
  RECORDINGS_DIFFER: 1,
  /** REPLAY_STRICT is on, and some recordings were never replayed. */
  RECORDINGS_UNUSED: 1,
  /** A running simulator does not answer, rejects the key, or fails to carry out a command. */
  SIMULATOR_UNAVAILABLE: 1,
  /** The endpoint of a load check cannot be reached, or returned no successful answer. */
  LOAD_FAILED: 1,
  /** REDIS_REQUIRED is on and Redis does not answer, or it is one server of a cluster. */
  REDIS_UNAVAILABLE: 1,
  /** An OTEL_ variable enables telemetry, and an OpenTelemetry package is not installed. */
  TELEMETRY_UNAVAILABLE: 1,
  /** The files of `aoai-sim certificate` exist already, or cannot be written. */
  CERTIFICATE_UNWRITABLE: 1,
  /** A client retried in a way that --fail-on forbids. */
  RETRIES_JUDGED: 1,
} as const

/** The kind of an `OperatorError`. */
export type OperatorErrorCode = keyof typeof exitCodes

/**
 * A failure that the operator can fix. The message has the form *Could not X: Y (got Z). Do W.* and never contains a secret. Print
 * it without the stack.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code: OperatorErrorCode
  /** Exit code of the process. */
  readonly exitCode: number

  constructor(code: OperatorErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
    this.exitCode = exitCodes[code]
  }
}
