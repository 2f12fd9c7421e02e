/** Where the program prints to. */
export interface TextSink {
  write(text: string): unknown
}

/** Where the program hears of SIGTERM and SIGINT. */
export interface Signals {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown
}

/** All that the program touches outside itself, so that a test can run it in its own process. */
export interface CliHost {
  /** The arguments after the program's name. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly signals: Signals
}
