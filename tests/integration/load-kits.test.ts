import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { workloadShapes } from '../../src/load/workload-shapes.ts'
import { needs } from '../support/installed-tool.ts'

const kit = (name: string): string => fileURLToPath(new URL(`../../examples/load/${name}`, import.meta.url))

/** What a program says to its standard error; nothing where it is content. */
function complaint(program: string, ...args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stderr
}

describe('the load kits', () => {
  it('draw from the same shapes as aoai-sim load', () => {
    expect(JSON.parse(readFileSync(kit('workloads.json'), 'utf8'))).toEqual(workloadShapes)
  })

  it('have a k6 script that is a module without mistakes of syntax', () => {
    const folder = mkdtempSync(join(tmpdir(), 'aoai-k6-'))
    try {
      // Node takes the ending for the kind of a module; k6 takes every script for one.
      writeFileSync(join(folder, 'k6-chat.mjs'), readFileSync(kit('k6-chat.js')))
      expect(complaint(process.execPath, '--check', join(folder, 'k6-chat.mjs'))).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  const python = needs('python3')
  it.skipIf(python.isMissing)(`have a Locust file without mistakes of syntax${python.note}`, () => {
    const parse = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    expect(complaint('python3', '-c', parse, kit('locustfile.py'))).toBe('')
  })
})
