import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * Writes the files of extensions into a new folder, far from any node_modules, that is gone after the test. Names may have
 * slashes.
 */
export function extensionFolder(files: Readonly<Record<string, string>>): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'extensions-')))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), content)
  }
  return dir
}

/** A small extension in TypeScript: types, a named import of the package, and a hook. */
export const slowExtension = `import { defineExtension, type Hook } from 'aoai-simulated-api/extension'
import type { Reply } from 'aoai-simulated-api/extension'

const addDelay: Hook = async (_exchange, next): Promise<Reply> => next()

export default defineExtension({ name: 'slow', hooks: [addDelay] })
`
