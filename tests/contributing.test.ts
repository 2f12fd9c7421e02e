import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

test('CONTRIBUTING.md has every command that make lists, and no other', () => {
  const listed = [...read('Makefile').matchAll(/^([a-z0-9-]+):.*## /gm)].map(([, target]) => target)
  const documented = [...read('CONTRIBUTING.md').matchAll(/^\| `make ([a-z0-9-]+)`/gm)].map(
    ([, target]) => target,
  )
  expect(new Set(documented)).toEqual(new Set(listed.filter((target) => target !== 'help')))
  expect(documented).toHaveLength(new Set(documented).size)
})

test('make coverage prints the totals, and the files with the lowest coverage first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-coverage-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const of = (pct: number, total = 10) => ({ pct, total })
  const all = (pct: number, total?: number) => ({
    statements: of(pct, total),
    branches: of(pct / 2),
    functions: of(100),
    lines: of(pct),
  })
  const files = {
    'src/good.ts': all(99),
    'src/types.ts': all(0, 0),
    'src/bad.ts': all(20),
    'src/fair.ts': all(60.5),
  }
  const summary = join(folder, 'summary.json')
  writeFileSync(summary, JSON.stringify({ total: all(75), ...files }))
  const script = fileURLToPath(new URL('../scripts/show-coverage.mjs', import.meta.url))
  const printed = execFileSync(process.execPath, [script, summary, '2'], { encoding: 'utf8' })
  expect(printed.split('\n')).toEqual([
    'Coverage: 75 % of 10 statements, 37.5 % of 10 branches, 100 % of 10 functions, 75 % of 10 lines.',
    '',
    'Lowest 2 files:',
    '',
    'statements  branches  file',
    '      20 %      10 %  src/bad.ts',
    '    60.5 %   30.25 %  src/fair.ts',
    '',
  ])
})

test('every package with an install script is denied in allowScripts, because no install script is needed', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> }
  const withScript = Object.entries(packages)
    // The first one is this project, with its own `prepare`.
    .filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript)
    .map(([path]) => path.replace(/^.*node_modules\//, ''))
  expect(allowScripts).toEqual(Object.fromEntries(withScript.map((name) => [name, false])))
})
