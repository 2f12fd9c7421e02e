import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { packageFolder } from '../support/built-program.ts'

describe('the program, under attack', () => {
  it.skipIf(process.platform !== 'linux')(
    'survives with a small heap, and delays no other client',
    { timeout: 240_000 },
    async () => {
      const cases = [
        'structure: 10 M empty lists',
        'structure: 128 tools with 200 KB each',
        'text: spoken input of 7.5 MB',
        'unauthorized: 31 x 31 MB',
        'answer: 10 x 2,048 embeddings',
      ]
      const { stdout } = await promisify(execFile)(
        'node_modules/.bin/tsx',
        // Usual are 200 ms at most; without its bounds the program takes 4 to 10 s for each of these, or dies.
        ['bench/hostile.ts', '--limit-ms', '2000', ...cases.flatMap((name) => ['--case', name])],
        { cwd: packageFolder },
      ).catch((error: unknown) => error as { stdout: string })
      expect(stdout).toContain('5 of 5 cases are within the limits.')
    },
  )
})
