import type { Extension } from '../pipeline/extension.ts'

/** An extension that has the right shape, and where it comes from. */
export interface LoadedExtension {
  readonly extension: Extension
  /** As messages name it: the path of its file, relative where it lies within the working directory. */
  readonly source: string
  /** The whole path of its file; undefined for one that was handed in as an object. */
  readonly file: string | undefined
}
