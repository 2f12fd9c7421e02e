import { fork, type ChildProcess } from 'node:child_process'
import { packageFolder } from './built-program.ts'

/** Long beside the tenths of a second that an end takes, also on a busy machine. */
const endLimitMs = 30_000

interface Result {
  readonly printed: string
  readonly failure?: string
}

/** One process for the scripts of one document, in their order. */
export class ScriptRunner {
  readonly #child: ChildProcess = fork(new URL('script-runner.mjs', import.meta.url), {
    cwd: packageFolder,
    env: { PATH: process.env['PATH'] },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  readonly #ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
  #errors = ''

  constructor() {
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
  }

  /**
   * Runs a script until its last line.
   *
   * @returns what it printed
   * @throws {Error} what it threw, or that it ended the process
   */
  async run(text: string): Promise<string> {
    const result = await new Promise<Result>((resolve) => {
      this.#child.once('message', (message) => resolve(message as Result))
      void this.#ended.then(() => resolve({ printed: '', failure: 'It ended its process.' }))
      this.#child.send(text)
    })
    if (result.failure === undefined) return result.printed
    throw new Error(`${result.failure}\n${result.printed}${this.#errors}`)
  }

  /** @throws {Error} where something that a script has begun keeps the process from ending */
  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    let kept = false
    const kill = setTimeout(() => {
      kept = true
      this.#child.kill('SIGKILL')
    }, endLimitMs)
    await this.#ended
    clearTimeout(kill)
    if (kept) throw new Error('A script keeps its process from ending: something in it is not closed.')
  }
}
