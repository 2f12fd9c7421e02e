import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createUserProject } from '../support/user-project.ts'

const runFile = promisify(execFile)
const env = { PATH: process.env['PATH'], TENANT_KEYS: 'red:first' }

describe('examples/extensions', () => {
  it('compile for a user of the package with the strictest options', async () => {
    using project = createUserProject('extensions')
    const strict = [
      '--strict',
      '--noUncheckedIndexedAccess',
      '--exactOptionalPropertyTypes',
      '--noUnusedLocals',
    ]
    const modules = [
      '--module',
      'nodenext',
      '--target',
      'es2023',
      '--types',
      'node',
      '--allowImportingTsExtensions',
    ]
    const files = examplesIn(project.folder).map((name) => (name.endsWith('.ts') ? name : `${name}/index.ts`))
    const checking = runFile('node_modules/.bin/tsc', ['--noEmit', ...strict, ...modules, ...files], {
      cwd: project.folder,
      env,
    })
    await expect(checking).resolves.toMatchObject({ stdout: '' })
  })

  it('can all be loaded together by the installed program', async () => {
    using project = createUserProject('extensions')
    const examples = examplesIn(project.folder)
    const { stdout } = await runFile('node_modules/.bin/aoai-sim', ['extensions', '--json', ...examples], {
      cwd: project.folder,
      env,
    })
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
    expect(names).toEqual(examples.map((name) => name.replace(/\.ts$/, '')))
  })
})

function examplesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !['README.md', 'node_modules'].includes(name))
}
