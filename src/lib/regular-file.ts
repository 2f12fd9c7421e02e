import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, type Stats } from 'node:fs'

/**
 * Flags that open a file for reading without waiting. Opening a named pipe waits for a writer otherwise, and keeps the
 * whole process waiting.
 */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Opens a regular file for reading.
 *
 * @throws the error of node:fs, or one with its code for a folder, a pipe, a socket or a device
 */
export function openRegularFile(path: string): { readonly descriptor: number; readonly size: number } {
  // Opening a device can already act on it.
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
 * Reads a regular file as a whole.
 *
 * @param maxBytes a larger file is not read
 * @throws the error of node:fs, or one with its code for what is no regular file or too large
 */
export function readRegularFile(path: string, maxBytes = Infinity): Buffer {
  const { descriptor, size } = openRegularFile(path)
  try {
    if (size > maxBytes)
      throw fileError('EFBIG', `the file has ${size} bytes, and ${maxBytes} are the maximum`)
    return readFileSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A file of settings has a few megabytes at most. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/** Reads a file of settings or code as text: UTF-8, or UTF-16 with its byte order mark, which Windows PowerShell writes by default. */
export function readRegularText(path: string): string {
  const bytes = readRegularFile(path, MAX_TEXT_BYTES)
  return bytes.toString(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf16le' : 'utf8')
}

/** @throws an error that names what it is in the place of a regular file */
export function requireRegular(stats: Stats): void {
  if (stats.isFile()) return
  if (stats.isDirectory()) throw fileError('EISDIR', 'it is a folder, and no file')
  const kind = stats.isFIFO() ? 'a named pipe' : stats.isSocket() ? 'a socket' : 'a device'
  throw fileError('EINVAL', `it is ${kind}, and no regular file`)
}

function fileError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
