import { type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'

/** What a file was like at one moment; of the target for a symbolic link. */
export interface FileState {
  /** Differs where the file may hold something else. */
  readonly stamp: string
  /** In bytes. */
  readonly size: number
}

/**
 * Looks at a file; undefined where there is none.
 *
 * @throws the error of node:fs for a file that cannot be looked at
 */
export async function fileState(path: string): Promise<FileState | undefined> {
  try {
    return stateOf(await stat(path))
  } catch (error) {
    return whenGone(error)
  }
}

/** Does the same at once, for the start. */
export function fileStateSync(path: string): FileState | undefined {
  try {
    return stateOf(statSync(path))
  } catch (error) {
    return whenGone(error)
  }
}

/**
 * With the time of any change at all: a copy may bring the time of its writing along. Without the number of the file, which
 * some network shares make up anew each time.
 */
function stateOf({ size, mtimeMs, ctimeMs }: Stats): FileState {
  return { stamp: `${size}:${mtimeMs}:${ctimeMs}`, size }
}

function whenGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))) return
  throw error
}
