import { EventEmitter } from 'node:events'
import { run } from '../../src/cli/run.ts'

/** Runs the command in this process, in a folder. A server that has started is stopped immediately. */
export const callProgram = async (dir: string, argv: readonly string[], env: Record<string, string> = {}) => {
  let out = ''
  let err = ''
  const signals = new EventEmitter()
  const code = await run({
    argv,
    env,
    workingDirectory: dir,
    stdout: {
      write: (text) => {
        out += text
        // A server that has started logs it, and is stopped immediately.
        if (text.includes('runs in')) setTimeout(() => signals.emit('SIGTERM'), 1)
      },
    },
    stderr: { write: (text) => (err += text) },
    signals,
  })
  return { code, out, err, json: () => JSON.parse(out) as unknown }
}
