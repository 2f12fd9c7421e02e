/**
 * Every way in which the operator's input (configuration, files, extensions) can stop the simulator, and the exit
 * code it stops with. 2 follows the shell's custom for wrong usage, 1 is any other failure.
 */
export const operatorErrors = {
  CONFIG_INVALID: {
    exitCode: 2,
    meaning: 'A flag, an environment variable or the deployment file is wrong.',
  },
  EXTENSION_INVALID: {
    exitCode: 2,
    meaning: 'An extension cannot be loaded, is none, or does not start.',
  },
  ENCODINGS_INVALID: {
    exitCode: 1,
    meaning: 'A file in TIKTOKEN_CACHE_DIR cannot be read, or is not the official one.',
  },
  LISTEN_FAILED: { exitCode: 1, meaning: 'The address is in use, or may not be listened on.' },
  RECORDINGS_UNREADABLE: {
    exitCode: 1,
    meaning: 'The folder of recordings, or a file in it, cannot be read.',
  },
  RECORDINGS_UNWRITABLE: { exitCode: 1, meaning: 'Recordings cannot be written to their folder.' },
  RECORDINGS_INVALID: {
    exitCode: 1,
    meaning: 'A recording file holds something that cannot be replayed or cleaned.',
  },
  RECORDINGS_DIFFER: { exitCode: 1, meaning: 'Two files or folders of recordings differ.' },
  RECORDINGS_UNUSED: { exitCode: 1, meaning: 'REPLAY_STRICT is on, and recordings were never replayed.' },
  SIMULATOR_UNAVAILABLE: {
    exitCode: 1,
    meaning: 'A running simulator does not answer, refuses the key, or does not do what it is asked for.',
  },
  LOAD_FAILED: {
    exitCode: 1,
    meaning: 'The endpoint of a load check cannot be reached, or gave not one good answer.',
  },
  REDIS_UNAVAILABLE: {
    exitCode: 1,
    meaning: 'REDIS_REQUIRED is on and Redis does not answer, or it is one server of a cluster.',
  },
  TELEMETRY_UNAVAILABLE: {
    exitCode: 1,
    meaning: 'An OTEL_ variable asks for telemetry, and a package of OpenTelemetry is not installed.',
  },
  RETRIES_JUDGED: { exitCode: 1, meaning: 'A client retried in a way that --fail-on forbids.' },
} as const

/** The name of a row of `operatorErrors`. */
export type OperatorErrorCode = keyof typeof operatorErrors

/**
 * A failure that the operator can mend. The message is for a human, in the form
 * *Could not X: Y (got Z). Do W.*, and never holds a secret; print it without the stack.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code: OperatorErrorCode
  /** What the process should exit with. */
  readonly exitCode: number

  constructor(code: OperatorErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
    this.exitCode = operatorErrors[code].exitCode
  }
}
