import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readRegularText } from './regular-file.ts'

describe('readRegularText', () => {
  it.each(['utf8', 'utf16le'] as const)('reads %s with a byte order mark', (encoding) => {
    const folder = mkdtempSync(join(tmpdir(), 'text-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, '.env')
    writeFileSync(path, Buffer.from('\uFEFFSIMULATOR_REGION=Zürich\r\n', encoding))
    expect(readRegularText(path)).toBe('\uFEFFSIMULATOR_REGION=Zürich\r\n')
  })
})
