import { type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

/** Size and times of a file; of its target for a symbolic link. */
export interface FileState {
  /** Changes whenever the content of the file may have changed. */
  readonly stamp: string
  /** In bytes. */
  readonly size: number
}

/**
 * Returns the state of a file, or undefined if it does not exist.
 *
 * @throws the error of node:fs if the state cannot be read
 */
export async function fileState(path: string): Promise<FileState | undefined> {
  try {
    return stateOf(await stat(path))
  } catch (error) {
    return undefinedIfMissing(error)
  }
}

/** Synchronous `fileState`, for the start. */
export function fileStateSync(path: string): FileState | undefined {
  try {
    return stateOf(statSync(path))
  } catch (error) {
    return undefinedIfMissing(error)
  }
}

/**
 * Includes the change time (ctime), because a copy may keep the modification time. Excludes the inode number, which is different
 * on each call on some network shares.
 */
function stateOf({ size, mtimeMs, ctimeMs }: Stats): FileState {
  return { stamp: `${size}:${mtimeMs}:${ctimeMs}`, size }
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))) return
  throw error
}
