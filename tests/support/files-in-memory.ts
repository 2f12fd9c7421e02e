import { basename } from 'node:path'
import type { ConfigSources } from '../../src/config/sources.ts'

/**
 * Where a configuration finds its files under test: texts by file name, in whatever folder they are asked for. Any other
 * file is missing, `.env` too.
 */
export function filesInMemory(files: Readonly<Record<string, string>> = {}): ConfigSources['readFile'] {
  return (path) => {
    const text = files[basename(path)]
    if (text !== undefined) return text
    throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
  }
}
