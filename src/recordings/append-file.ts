import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { READ_WITHOUT_WAITING, requireRegular } from '../lib/regular-file.ts'
import { inspectTail, readAt, type Tail } from './append-tail.ts'
import { recordFilePart } from './record-file-name.ts'
import { recordingFileHeader } from './yaml-format.ts'
import { reasonOf } from '../lib/error-text.ts'

/** Logs a problem in a file, and what was done about it. */
export type ReportFile = (fields: { readonly file: string }, message: string) => void

/** The file of the interactions of one URL path. */
interface FileTarget {
  readonly dir: string
  /** The file name without suffix and extension. */
  readonly name: string
  /** Undefined for plain names. */
  readonly writerId: string | undefined
}

interface QueuedItem {
  readonly text: string
  readonly resolve: (path: string) => void
  readonly reject: (error: unknown) => void
}

/** Maximum characters of one write, so that a burst of items is not copied at the same time. */
const MAX_BATCH_CHARACTERS = 8 * 1024 * 1024

/** The first flag keeps a named pipe from blocking. */
const openFlags = READ_WITHOUT_WAITING | constants.O_RDWR | constants.O_APPEND | constants.O_CREAT

/**
 * Appends items to the file of one URL path. Items that arrive during a write are written together, with one sync. Existing
 * content is never rewritten.
 */
export class AppendFile {
  readonly #target: FileTarget
  readonly #report: ReportFile
  readonly #queue: QueuedItem[] = []
  #part = 1
  /** The size after the last write; undefined before the first write and after a failed one. */
  #knownSize: number | undefined
  #isWriting = false

  constructor(target: FileTarget, report: ReportFile) {
    this.#target = target
    this.#report = report
  }

  /** Whether nothing is being written or waiting. */
  get isIdle(): boolean {
    return !this.#isWriting
  }

  /**
   * Resolves with the path of the file when the item is on the disk.
   *
   * @param text one list item with its line feed
   * @throws {AppendFailure} if it could not be written; the file keeps its earlier content
   */
  append(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ text, resolve, reject })
      if (!this.#isWriting) void this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch()
      try {
        await this.#write(batch.map(({ text }) => text).join(''))
        for (const { resolve } of batch) resolve(this.#path)
      } catch (error) {
        this.#knownSize = undefined
        const failure = appendFailure(this.#path, error)
        for (const { reject } of batch) reject(failure)
      }
    }
    this.#isWriting = false
  }

  #takeBatch(): QueuedItem[] {
    let length = 0
    let count = 0
    for (const { text } of this.#queue) {
      if (count > 0 && length + text.length > MAX_BATCH_CHARACTERS) break
      length += text.length
      count++
    }
    return this.#queue.splice(0, count)
  }

  get #path(): string {
    const { dir, name, writerId } = this.#target
    return join(dir, recordFilePart(name, writerId, this.#part))
  }

  async #write(text: string): Promise<void> {
    const { file, size } = await this.#openEnd()
    try {
      const bytes = Buffer.from(size === 0 ? recordingFileHeader + text : text)
      try {
        await writeFully(file, bytes)
        await file.datasync()
      } catch (error) {
        // The next item must not follow an incomplete one.
        await file.truncate(size).catch(() => {})
        throw error
      }
      this.#knownSize = size + bytes.length
    } finally {
      await file.close()
    }
  }

  /** Opens the first part that can be appended to. */
  async #openEnd(): Promise<{ file: FileHandle; size: number }> {
    for (;;) {
      const path = this.#path
      const file = await openForAppending(path)
      try {
        const stats = await file.stat()
        if (stats.isFIFO()) requireRegular(stats)
        const { size } = stats
        if (size === this.#knownSize) return { file, size }
        const tail = await inspectTail(file, size)
        if (tail.kind === 'incomplete')
          return { file, size: await cutTail(file, path, tail, size, this.#report) }
        if (tail.kind !== 'foreign') return { file, size }
      } catch (error) {
        await file.close()
        throw error
      }
      await file.close()
      this.#part++
      this.#knownSize = undefined
      this.#report(
        { file: path },
        `This file was not written by the recorder, so it is not changed. New recordings go to ${this.#path}.`,
      )
    }
  }
}

async function openForAppending(path: string): Promise<FileHandle> {
  try {
    return await open(path, openFlags, 0o600)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    return open(path, openFlags, 0o600)
  }
}

async function writeFully(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done)
    done += bytesWritten
  }
}

/**
 * Removes an incomplete item from the end of a file and keeps its bytes in `<file>.cut`, in case a person edited them.
 * Returns the remaining size.
 */
export async function cutTail(
  file: FileHandle,
  path: string,
  { atByte }: Extract<Tail, { kind: 'incomplete' }>,
  size: number,
  report: ReportFile,
): Promise<number> {
  const rest = await readAt(file, atByte, size - atByte)
  const backup = await open(`${path}.cut`, 'a', 0o600)
  try {
    await backup.writeFile(rest)
    await backup.datasync()
  } finally {
    await backup.close()
  }
  await file.truncate(atByte)
  report(
    { file: path },
    `The last interaction was incomplete. It was removed, and its ${size - atByte} bytes are in ${path}.cut.`,
  )
  return atByte
}

/** Recordings could not be written. The message names the file and what to do. */
export class AppendFailure extends Error {
  override readonly name = 'AppendFailure'
}

const writeFailureReasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Free some space.',
  EDQUOT: 'the disk quota of the user is exceeded. Free some space.',
  EFBIG:
    'the file would exceed the size limit of the user or the file system. Move it away to start a new one.',
  EACCES:
    'this user has no write permission. Change the permissions, or set RECORDING_DIR to another folder.',
  EPERM: 'this user has no write permission. Change the permissions, or set RECORDING_DIR to another folder.',
  EROFS: 'the file system is read-only. Set RECORDING_DIR to a writable folder.',
  ENOTDIR: 'a part of its path is a file. Set RECORDING_DIR to a folder.',
  EEXIST: 'a part of its path is a file. Set RECORDING_DIR to a folder.',
  EISDIR: 'a folder has this name. Rename the folder.',
  EMFILE: 'this process has too many open files. Raise the limit (ulimit -n).',
  EIO: 'the disk or the file share failed. See the system log.',
  ESTALE: 'the file share is not available. Mount it again.',
}

/** @param path of the file, or of the folder */
export function appendFailure(path: string, cause: unknown): AppendFailure {
  const { code = '' } = cause as NodeJS.ErrnoException
  const reason = writeFailureReasons[code]
  const why = reason === undefined ? `${reasonOf(cause)}.` : reason.replace('.', ` (${code}).`)
  return new AppendFailure(`Could not write recordings to ${path}: ${why}`, { cause })
}
