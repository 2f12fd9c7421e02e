/** Where the program prints to. */
export interface TextSink {
  write(text: string): unknown
  /** Whether somebody watches it on a terminal; absent: nobody does. */
  readonly isTTY?: boolean | undefined
}

/** What asks the program to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT'

/** Where the program hears of SIGTERM and SIGINT. */
export interface Signals {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
  /** Lets signals end the process as they do by default, one that has come already included. */
  release?(): void
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
