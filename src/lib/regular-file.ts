import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type Stats } from 'node:fs'

/** Flags that open a file for reading without blocking. Otherwise opening a named pipe blocks the process until a writer opens it. */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Opens a regular file for reading.
 *
 * @throws an error of node:fs; EISDIR for a folder, EINVAL for a pipe, a socket or a device
 */
export function openRegularFile(path: string): { readonly descriptor: number; readonly size: number } {
  // Checked first, since opening a device can have an effect.
  const before = statSync(path, { throwIfNoEntry: false })
  if (before) requireRegular(before)
  const descriptor = openSync(path, READ_WITHOUT_WAITING)
  try {
    const stats = fstatSync(descriptor)
    requireRegular(stats)
    return { descriptor, size: stats.size }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/**
 * Reads a regular file.
 *
 * @throws an error of node:fs; EISDIR or EINVAL if it is not a regular file, EFBIG if it is larger than `maxBytes`
 */
export function readRegularFile(path: string, maxBytes = Infinity): Buffer {
  const { descriptor, size } = openRegularFile(path)
  try {
    if (size > maxBytes) throw fileError('EFBIG', `the file has ${size} bytes, the maximum is ${maxBytes}`)
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Limit of a text file. Settings and code have a few megabytes at most. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/** Reads a text file in UTF-8, or in UTF-16 with a byte order mark, the default of Windows PowerShell. */
export function readRegularText(path: string): string {
  const bytes = readRegularFile(path, MAX_TEXT_BYTES)
  return bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8')
}

/** @throws an error with the kind of file, if it is not a regular file */
export function requireRegular(stats: Stats): void {
  if (stats.isFile()) return
  if (stats.isDirectory()) throw fileError('EISDIR', 'it is a folder, not a file')
  const kind = stats.isFIFO() ? 'a named pipe' : stats.isSocket() ? 'a socket' : 'a device'
  throw fileError('EINVAL', `it is ${kind}, not a regular file`)
}

function fileError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
