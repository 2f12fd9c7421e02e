import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { type EncodingName, encodingNames, officialFiles } from './encoding-files.ts'

/** What a folder for tiktoken holds. */
export interface TokenFolder {
  /** The texts of the official files that are there, by encoding. */
  readonly files: ReadonlyMap<EncodingName, string>
  /** A sentence for each encoding whose file is not there. */
  readonly missing: readonly string[]
}

/**
 * Reads the official files of the encodings from a folder that tiktoken would take as TIKTOKEN_CACHE_DIR, and checks their
 * sums as tiktoken does. A folder or a file that does not exist is no error: what it would hold is in the program, too.
 *
 * @throws {OperatorError} ENCODINGS_INVALID for a file that cannot be read or is not the official one
 */
export function readTokenFolder(folder: string): TokenFolder {
  const files = new Map<EncodingName, string>()
  const missing: string[] = []
  for (const name of encodingNames) {
    const { cacheName, sha256 } = officialFiles[name]
    const path = join(folder, cacheName)
    const bytes = readIfThere(path)
    if (bytes === undefined) {
      missing.push(describeMissing(folder, name))
      continue
    }
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== sha256) {
      throw new OperatorError(
        'ENCODINGS_INVALID',
        `Could not start: ${path} is not ${name}.tiktoken, whose SHA-256 is ${sha256} (got ${found}, ${bytes.length} bytes). ` +
          'Remove it and run make setup-tiktoken to write it anew, or unset TIKTOKEN_CACHE_DIR: the program has the same tokens in it.',
      )
    }
    files.set(name, bytes.toString('latin1'))
  }
  return { files, missing }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    const reason = reasonOf(error)
    throw new OperatorError(
      'ENCODINGS_INVALID',
      `Could not start: ${path} cannot be read (${reason}). ` +
        'Let TIKTOKEN_CACHE_DIR name a folder that this user may read, or unset it: the program has the same tokens in it.',
      { cause: error },
    )
  }
}

function describeMissing(folder: string, name: EncodingName): string {
  const { cacheName } = officialFiles[name]
  const ownName = join(folder, `${name}.tiktoken`)
  return existsSync(ownName)
    ? `${ownName} is not used: tiktoken calls it ${cacheName}. Rename it to that.`
    : `${folder} has no ${cacheName}, the file of ${name}.`
}
