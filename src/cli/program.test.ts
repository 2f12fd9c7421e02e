import { CommanderError } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from './program.ts'

async function runWith(...argv: string[]): Promise<{ printed: string; exitCode: number | undefined }> {
  let printed = ''
  const sink = { write: (text: string) => void (printed += text) }
  const program = createProgram(
    { stdout: sink, stderr: sink },
    () => Promise.resolve(),
    (parent) => void parent.command('recordings').description('Look after recording files.'),
  )
  try {
    await program.parseAsync(argv, { from: 'user' })
    return { printed, exitCode: undefined }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { printed, exitCode: error.exitCode }
  }
}

it('names the command that was most likely meant by an unknown one, or all of them', async () => {
  expect(await runWith('recodings')).toEqual({
    printed: expect.stringMatching(/^error: unknown command 'recodings'\n\(Did you mean recordings\?\)\n/),
    exitCode: 1,
  })
  expect((await runWith('--port', '9000', 'x')).printed).toContain('(The commands are recordings)')
})

it('serves without a command', async () => {
  expect(await runWith('--port', '9000')).toEqual({ printed: '', exitCode: undefined })
})

it('fits its help into 100 columns, and puts the description of a long flag below it', async () => {
  const { printed } = await runWith('--help')
  expect(printed.split('\n').filter((line) => line.length > 100)).toEqual([])
  expect(printed).toMatch(/\n {2}--latency-open\S+-first-token-mean <value>\n {30,}Mean waiting time/)
})
