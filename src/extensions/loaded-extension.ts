import type { Extension } from '../pipeline/extension.ts'

/** A validated extension with its path. */
export interface LoadedExtension {
  readonly extension: Extension
  /** Its path in messages, relative if the file is in the working directory. */
  readonly source: string
  /** Absolute path of its file; undefined for an extension that was passed as an object. */
  readonly file: string | undefined
}
