import { execFile } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageFolder, startByShell } from '../support/built-program.ts'
import { needs } from '../support/installed-tool.ts'

const runFile = promisify(execFile)
const tar = needs('tar')

/** npm builds and packs: some seconds on an idle machine. */
const limits = { timeout: 180_000 }

/** What a clone does not have. */
const ignored = new Set(['node_modules', 'dist', '.git', 'coverage', 'tmp', '.recording'])
const modules = join(packageFolder, 'node_modules')

/** A folder with what a fresh clone has. */
function freshClone(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-clone-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const isCloned = (path: string): boolean => !ignored.has(basename(path)) && !path.endsWith('.tgz')
  for (const name of readdirSync(packageFolder).filter(isCloned)) {
    cpSync(join(packageFolder, name), join(folder, name), { recursive: true, filter: isCloned })
  }
  return folder
}

/** Runs npm without a network, and with nothing of the settings of the npm that has started the tests. */
function npm(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runFile('npm', [...args, '--offline', '--no-update-notifier'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
  })
}

describe('a package packed by npm from a fresh clone', () => {
  it.skipIf(tar.isMissing)(`contains a working program${tar.note}`, limits, async () => {
    const clone = freshClone()
    symlinkSync(modules, join(clone, 'node_modules'))
    const { stdout: packed } = await npm(clone, ['pack', '--json'])
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    const user = join(clone, 'user')
    const installed = join(user, 'node_modules/aoai-simulated-api')
    mkdirSync(installed, { recursive: true })
    await runFile('tar', ['-xzf', join(clone, filename), '-C', installed, '--strip-components=1'])
    for (const name of readdirSync(modules).filter((one) => !one.startsWith('.'))) {
      symlinkSync(join(modules, name), join(user, 'node_modules', name))
    }
    const main = join(installed, 'dist/cli/main.js')
    const { stdout: version } = await runFile(process.execPath, [main, '--version'])
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/)
    await using program = await startByShell(`exec node '${main}' --port 0`)
    const response = await fetch(`${program.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'api-key': program.key },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }),
    })
    expect(response.status).toBe(200)
  })

  it('is built with the packages of the lock file, which are installed if missing', async () => {
    const clone = freshClone()
    // Replaces the npm that the script starts again, so that no test calls the registry.
    const standIn = join(clone, 'npm.cjs')
    writeFileSync(
      standIn,
      `const { appendFileSync, symlinkSync } = require('node:fs')
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
if (process.argv[2] === 'ci') symlinkSync(${JSON.stringify(modules)}, 'node_modules')
if (process.argv[2] === 'run') process.stdout.write('noise')
`,
    )
    const prepare = (env: Readonly<Record<string, string>>) =>
      runFile(process.execPath, ['scripts/prepare.mjs'], {
        cwd: clone,
        env: { npm_execpath: standIn, ...env },
      })
    const calls = (): string[] => (existsSync(join(clone, 'calls')) ? readCalls(clone) : [])

    // As after npm ci --omit=dev.
    await prepare({ npm_command: 'ci' })
    expect(calls()).toEqual([])
    const { stdout } = await prepare({ npm_command: 'pack' })
    expect(calls()).toEqual([
      expect.stringMatching(/^ci --ignore-scripts --include=dev /),
      'run --silent build',
    ])
    // npm pack --json is read by programs.
    expect(stdout).toBe('')
    await prepare({ npm_command: 'install' })
    expect(calls().slice(2)).toEqual(['run --silent build'])
  })
})

function readCalls(folder: string): string[] {
  return readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
}
