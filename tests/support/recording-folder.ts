import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { VirtualClock } from '../../src/lib/virtual-clock.ts'

/** Writes files into a new folder that is gone after the test. Names may have slashes. */
export function recordingFolder(files: Readonly<Record<string, string | Buffer>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'recordings-'))
  onTestFinished(() => {
    chmodSync(dir, 0o700)
    rmSync(dir, { recursive: true })
  })
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return dir
}

/** One interaction as VCR.py writes it, with a JSON answer. */
export function cassetteItem(body: string, answer: string, path = '/v1/chat/completions'): string {
  return `- request:
    body: '${body}'
    headers:
      content-type:
      - application/json
    method: POST
    uri: https://api.openai.com${path}
  response:
    body:
      string: '${answer}'
    headers:
      Content-Type:
      - application/json
    status:
      code: 200
      message: OK
`
}

/** A cassette of such interactions. */
export function cassette(...items: readonly string[]): string {
  return `interactions:\n${items.join('')}version: 1\n`
}

/**
 * Moves a virtual clock on until a promise is settled that also waits for files, which are read in real time. What is
 * asked for a second time comes from memory, and takes virtual time only.
 */
export async function warmUp(answer: Promise<unknown>, clock: VirtualClock): Promise<void> {
  const settled = answer.then(() => true)
  const waited = (): Promise<false> => new Promise((resolve) => setTimeout(() => resolve(false), 1))
  while (!(await Promise.race([settled, waited()]))) await clock.advance(100)
}
