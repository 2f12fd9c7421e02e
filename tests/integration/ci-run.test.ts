import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { packageFolder } from '../support/built-program.ts'
import { testPrograms } from '../support/installed-tool.ts'

/** Programs that every system has. */
const system = 'bash cat chmod dirname env grep id mktemp rm sleep tail tee'.split(' ')

interface Machine {
  /** Number of `apt-get update` attempts that fail. */
  readonly badMoments?: number
  /** Programs that an installation does not provide. */
  readonly never?: readonly string[]
  /** Programs that are already installed. */
  readonly installed?: readonly string[]
  /** Shell script that replaces `make test`. */
  readonly make?: string
}

/** Runs .ci/run on a machine with stand-ins for apt-get and make. Returns its output and the calls of apt-get. */
function runOn({ badMoments = 0, never = [], installed = [], make = 'echo "3 passed, 0 failed"' }: Machine) {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-ci-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  cpSync(join(packageFolder, '.ci'), join(folder, '.ci'), { recursive: true })
  for (const name of system) {
    const path = execFileSync('bash', ['-c', 'type -P "$1"', 'bash', name], { encoding: 'utf8' }).trim()
    symlinkSync(path, join(bin, name))
  }
  const program = (name: string, text: string): void =>
    writeFileSync(join(bin, name), `#!${join(bin, 'bash')}\n${text}\n`, { mode: 0o755 })
  // Debian's packages, each with the programs that it provides.
  const brought = [...testPrograms, ['make', 'make'] as const].filter(([name]) => !never.includes(name))
  const cases = brought.map(([name, debianPackage]) => `${debianPackage}) bring ${name} ;;&`).join('\n')
  program('id', 'echo 0')
  program('service', '[ "$2" = stop ]')
  program(
    'apt-get',
    `printf '%s\\n' "$*" >>'${folder}/calls'
case "$*" in *update*) [ "$(grep -c update '${folder}/calls')" -gt ${badMoments} ]; exit ;; esac
bring() { printf '%s\\n' '#!${join(bin, 'bash')}' "$([ "$1" = make ] && cat '${folder}/make')" >'${bin}/'"$1"; chmod +x '${bin}/'"$1"; }
for package; do case $package in
-*|install) ;;&
${cases}
esac; done`,
  )
  writeFileSync(join(folder, 'make'), make)
  for (const name of installed) program(name, name === 'make' ? make : '')
  const { status, stdout, stderr } = spawnSync(join(bin, 'bash'), [join(folder, '.ci/run')], {
    env: { PATH: bin, TMPDIR: folder, RETRY_PAUSE_SECONDS: '0' },
    encoding: 'utf8',
  })
  const calls = existsSync(join(folder, 'calls'))
    ? readFileSync(join(folder, 'calls'), 'utf8').split('\n')
    : []
  return { status, lines: stdout.trim().split('\n'), stderr, calls: calls.filter(Boolean) }
}

describe('.ci/run', () => {
  it('installs every program that Debian has, names the others, and ends with the test counts', () => {
    const { status, lines, calls } = runOn({})
    expect(status).toBe(0)
    expect(lines.at(-1)).toBe('3 passed, 0 failed')
    const packages = [...testPrograms.values(), 'make'].filter((name) => name !== '-')
    const [, all, optional, ...others] = calls
    expect(all?.split(' ')).toEqual(expect.arrayContaining(packages))
    expect(optional).toMatch(/ chromium-headless-shell$/)
    expect(others).toEqual([])
    expect(lines).toContain(
      'Debian has no package of bicep helm terraform: the tests that need it are skipped.',
    )
  })

  it('installs nothing when every program is present', () => {
    const { status, calls } = runOn({ installed: [...testPrograms.keys(), 'make'] })
    expect({ status, calls }).toEqual({ status: 0, calls: [] })
  })

  it('retries the package list when the network fails', () => {
    const { status, lines, calls } = runOn({ badMoments: 2 })
    expect(calls.filter((call) => call.includes('update'))).toHaveLength(3)
    expect({ status, last: lines.at(-1) }).toEqual({ status: 0, last: '3 passed, 0 failed' })
  })

  it('fails and names the program when Debian has it but it cannot be installed', () => {
    const { status, stderr } = runOn({ never: ['promtool'] })
    expect(status).toBe(1)
    expect(stderr).toContain('Could not find promtool: install its Debian package')
  })

  it('ends with the test counts when tests fail, although make prints after them', () => {
    const { status, lines } = runOn({
      make: 'echo "2 passed, 1 failed"; echo "make: *** Error 1" >&2; exit 2',
    })
    expect({ status, last: lines.at(-1) }).toEqual({ status: 2, last: '2 passed, 1 failed' })
  })

  it('counts a check that fails before the tests as one failure', () => {
    const { status, lines } = runOn({ make: 'echo "a mistake of format" >&2; exit 2' })
    expect({ status, last: lines.at(-1) }).toEqual({ status: 2, last: '0 passed, 1 failed' })
  })

  it('runs the tests with an empty standard input and CI set', () => {
    const { lines } = runOn({ make: 'cat; echo "CI=$CI"; echo "1 passed, 0 failed"' })
    expect(lines).toContain('CI=true')
  })
})
