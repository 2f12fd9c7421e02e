import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { workloadShapes } from '../../src/load/workload-shapes.ts'
import { needs } from '../support/installed-tool.ts'

const kit = (name: string): string => fileURLToPath(new URL(`../../examples/load/${name}`, import.meta.url))

/** Returns the standard error of a program. */
function stderrOf(program: string, ...args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stderr
}

describe('the load kits', () => {
  it('the kits have the same workloads as aoai-sim load', () => {
    expect(JSON.parse(readFileSync(kit('workloads.json'), 'utf8'))).toEqual(workloadShapes)
  })

  it('the k6 script is a module without syntax errors', () => {
    const folder = mkdtempSync(join(tmpdir(), 'aoai-k6-'))
    try {
      // Node.js needs the extension to read it as a module. k6 does not.
      writeFileSync(join(folder, 'k6-chat.mjs'), readFileSync(kit('k6-chat.js')))
      expect(stderrOf(process.execPath, '--check', join(folder, 'k6-chat.mjs'))).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  const python = needs('python3')
  it.skipIf(python.isMissing)(`the Locust file has no syntax errors${python.note}`, () => {
    const parse = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    expect(stderrOf('python3', '-c', parse, kit('locustfile.py'))).toBe('')
  })
})
