import { reasonOf } from '../lib/error-text.ts'

/** Recordings could not be written. The message names the file and the cure. */
export class AppendFailure extends Error {
  override readonly name = 'AppendFailure'
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Free some space.',
  EDQUOT: 'the quota of this user is used up. Free some space.',
  EFBIG:
    'the file would be larger than this user or file system allows. Move it away, and a new one is begun.',
  EACCES: 'this user may not write there. Change its rights, or set RECORDING_DIR to another folder.',
  EPERM: 'this user may not write there. Change its rights, or set RECORDING_DIR to another folder.',
  EROFS: 'the file system can only be read. Set RECORDING_DIR to a folder that can be written to.',
  ENOTDIR: 'a part of its path is a file. Set RECORDING_DIR to a folder.',
  EEXIST: 'a part of its path is a file. Set RECORDING_DIR to a folder.',
  EISDIR: 'a folder has this name. Rename the folder.',
  EMFILE: 'this process has too many files open. Raise the limit (ulimit -n).',
  EIO: 'the disk or the file share failed. Look into the log of the system.',
  ESTALE: 'the file share is gone. Mount it again.',
}

/** @param path of the file, or of the folder */
export function appendFailure(path: string, cause: unknown): AppendFailure {
  const { code = '' } = cause as NodeJS.ErrnoException
  const reason = reasons[code]
  const why = reason === undefined ? `${reasonOf(cause)}.` : reason.replace('.', ` (${code}).`)
  return new AppendFailure(`Could not write recordings to ${path}: ${why}`, { cause })
}
