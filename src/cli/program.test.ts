import { CommanderError } from 'commander'
import { describe, expect, it } from 'vitest'
import { createProgram } from './program.ts'

async function runWith(...argv: string[]): Promise<{ printed: string; exitCode: number | undefined }> {
  let printed = ''
  const sink = { write: (text: string) => void (printed += text) }
  const program = createProgram(
    { stdout: sink, stderr: sink },
    () => Promise.resolve(),
    (parent) => {
      const recordings = parent.command('recordings').description('Look after recording files.')
      recordings.command('lint').description('Name what cannot be replayed.')
    },
  )
  try {
    await program.parseAsync(argv, { from: 'user' })
    return { printed, exitCode: undefined }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { printed, exitCode: error.exitCode }
  }
}

describe('command line', () => {
  it('suggests the nearest command for an unknown one, or lists all commands', async () => {
    expect(await runWith('recodings')).toEqual({
      printed: expect.stringMatching(/^error: unknown command 'recodings'\n\(Did you mean recordings\?\)\n/),
      exitCode: 1,
    })
    expect((await runWith('--port', '9000', 'x')).printed).toContain('(The commands are recordings)')
  })

  it('starts the server without a command', async () => {
    expect(await runWith('--port', '9000')).toEqual({ printed: '', exitCode: undefined })
  })

  it('has a help of 100 columns, with the description of a long flag below it', async () => {
    const { printed } = await runWith('--help')
    expect(printed.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(printed).toMatch(/\n {2}--latency-open\S+-first-token-mean <value>\n {30,}Mean latency/)
  })

  it('shows the help of a command or subcommand by its name', async () => {
    const { printed: whole, exitCode } = await runWith('help')
    expect(exitCode).toBe(0)
    expect(whole).toMatch(/^Usage: aoai-sim \[options\]/)
    expect((await runWith('help', 'recordings')).printed).toMatch(/^Usage: aoai-sim recordings /)
    expect((await runWith('help', 'recordings', 'lint')).printed).toMatch(/^Usage: aoai-sim recordings lint /)
    expect(await runWith('help', 'recordings', 'lnt')).toEqual({
      printed: expect.stringMatching(/^error: unknown command 'lnt'\n\(Did you mean lint\?\)/),
      exitCode: 1,
    })
  })
})
