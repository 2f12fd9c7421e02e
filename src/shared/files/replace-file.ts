import { randomUUID } from 'node:crypto'
import { constants, readFileSync, readlinkSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { READ_WITHOUT_WAITING, requireRegular } from '../../lib/regular-file.ts'
import { sleep } from '../../lib/waiting.ts'

/** The calls of node:fs/promises that replace a file. */
export type FileSystem = Pick<
  typeof fs,
  'open' | 'rename' | 'link' | 'unlink' | 'readFile' | 'readdir' | 'stat'
>

/** A file, with a mark that differs whenever its content may differ. */
export interface ReadFile {
  readonly text: string
  readonly mark: string
  /** Permission bits. */
  readonly mode: number
}

/** Length of the beginning of a file that its mark contains, in bytes. */
const MARKED_BYTES = 96

/** A lock that has not changed for this time belongs to a process that was killed: the work under it takes milliseconds. */
const STALE_LOCK_MS = 5_000

const LOCK_POLL_MS = 10

/** Temporary files of this age were left by a process that was killed. */
const LEFTOVER_MS = 60_000

/** Text files that are replaced as a whole: a reader, also after a crash, finds the old content or the new one. */
export class ReplacedFile {
  readonly path: string
  readonly #clock: Clock
  readonly #files: FileSystem

  constructor(path: string, clock: Clock, files: FileSystem = fs) {
    this.path = path
    this.#clock = clock
    this.#files = files
  }

  /**
   * Reads the file. Returns undefined if it does not exist.
   *
   * @throws an error of node:fs
   */
  async read(): Promise<ReadFile | undefined> {
    return this.#withFile(async (handle) => {
      // Before the content: if it changes in between, the next check notices.
      const { size, mtimeNs, mode } = await handle.stat({ bigint: true })
      const bytes = await handle.readFile()
      const mark = markOf(size, mtimeNs, bytes.subarray(0, MARKED_BYTES))
      return { text: bytes.toString('utf8'), mark, mode: Number(mode) & 0o777 }
    })
  }

  /**
   * Returns the mark of the file; undefined if it does not exist.
   *
   * @throws an error of node:fs
   */
  async mark(): Promise<string | undefined> {
    return this.#withFile(async (handle) => {
      const { size, mtimeNs } = await handle.stat({ bigint: true })
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MARKED_BYTES), 0, MARKED_BYTES, 0)
      return markOf(size, mtimeNs, buffer.subarray(0, bytesRead))
    })
  }

  /**
   * Replaces the file, unless it has changed. A removed file is created again. Only the owner can read the new file.
   *
   * @param mark the mark of the content to replace
   * @returns the new mark, or undefined if the file has changed
   * @throws an error of node:fs
   */
  async replace(text: string, mark: string | undefined): Promise<string | undefined> {
    const temporary = `${this.path}.${randomUUID()}.tmp`
    try {
      const handle = await this.#files.open(temporary, 'wx', 0o600)
      let newMark: string
      try {
        const bytes = Buffer.from(text)
        await handle.writeFile(bytes)
        await handle.sync()
        const { size, mtimeNs } = await handle.stat({ bigint: true })
        newMark = markOf(size, mtimeNs, bytes.subarray(0, MARKED_BYTES))
      } finally {
        await handle.close()
      }
      const isReplaced = await this.#locked(async () => {
        const found = await this.mark()
        if (found !== undefined && found !== mark) return false
        await this.#files.rename(temporary, this.path)
        return true
      })
      if (!isReplaced) {
        await this.#remove(temporary)
        return undefined
      }
      await this.#syncFolder()
      return newMark
    } catch (error) {
      await this.#remove(temporary)
      throw error
    }
  }

  /** Removes temporary files that killed processes have left. */
  async removeLeftovers(): Promise<void> {
    const folder = dirname(this.path)
    const prefix = `${basename(this.path)}.`
    const names = await this.#files.readdir(folder).catch(() => [])
    for (const name of names) {
      if (!name.startsWith(prefix) || !/^[\da-f-]{36}\.(?:tmp|lock)$/.test(name.slice(prefix.length)))
        continue
      const path = join(folder, name)
      const state = await this.#files.stat(path).catch(() => undefined)
      if (state && this.#clock.epochMs() - state.mtimeMs > LEFTOVER_MS) await this.#remove(path)
    }
  }

  async #withFile<T>(use: (handle: fs.FileHandle) => Promise<T>): Promise<T | undefined> {
    let handle: fs.FileHandle
    try {
      handle = await this.#files.open(this.path, READ_WITHOUT_WAITING)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
    try {
      requireRegular(await handle.stat())
      return await use(handle)
    } finally {
      await handle.close()
    }
  }

  /** Runs the work while no other process runs work on the same file. */
  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const lock = `${this.path}.lock`
    const owner = `${processScope()} ${process.pid} ${randomUUID()}`
    let seen: { readonly owner: string; readonly sinceMs: number } | undefined
    while (!(await this.#create(lock, owner))) {
      const other = await this.#files.readFile(lock, 'utf8').catch(() => undefined)
      if (other === undefined) continue
      if (seen?.owner !== other) seen = { owner: other, sinceMs: this.#clock.nowMs() }
      if (isDead(other) || this.#clock.nowMs() - seen.sinceMs >= STALE_LOCK_MS)
        await this.#breakLock(lock, other)
      else await sleep(LOCK_POLL_MS, this.#clock)
    }
    try {
      return await work()
    } finally {
      await this.#remove(lock)
      locksHere.delete(owner)
    }
  }

  async #create(lock: string, owner: string): Promise<boolean> {
    locksHere.add(owner)
    try {
      const handle = await this.#files.open(lock, 'wx', 0o600)
      try {
        try {
          await handle.writeFile(owner)
        } finally {
          await handle.close()
        }
      } catch (error) {
        await this.#remove(lock)
        throw error
      }
      return true
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      locksHere.delete(owner)
      throw error
    }
  }

  /** Removes the lock of a killed process, unless another process has removed it and locked in the meantime. */
  async #breakLock(lock: string, owner: string): Promise<void> {
    const aside = `${this.path}.${randomUUID()}.lock`
    try {
      await this.#files.rename(lock, aside)
    } catch {
      return
    }
    const taken = await this.#files.readFile(aside, 'utf8').catch(() => owner)
    if (taken !== owner) await this.#files.link(aside, lock).catch(() => {})
    await this.#remove(aside)
  }

  async #remove(path: string): Promise<void> {
    await this.#files.unlink(path).catch(() => {})
  }

  /** Makes the rename survive a power failure. Some file systems, such as network shares, cannot do that for a folder. */
  async #syncFolder(): Promise<void> {
    const handle = await this.#files.open(dirname(this.path), constants.O_RDONLY).catch(() => undefined)
    await handle?.sync().catch(() => {})
    await handle?.close()
  }
}

/** The code of an error of node:fs. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function markOf(size: bigint, modifiedNs: bigint, head: Buffer): string {
  return `${size}:${modifiedNs}:${head.toString('latin1')}`
}

/** Owners of the locks that this process holds or waits for. */
const locksHere = new Set<string>()

let scope: string | undefined

/** The machine and the container within which a process id is unique. */
function processScope(): string {
  if (scope !== undefined) return scope
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    scope = `${boot}/${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    scope = encodeURIComponent(hostname())
  }
  return scope
}

/** Whether the owner of a lock is a process of this machine that has ended. */
function isDead(owner: string): boolean {
  const [where, id] = owner.split(' ')
  if (where !== processScope()) return false
  if (Number(id) === process.pid) return !locksHere.has(owner)
  try {
    process.kill(Number(id), 0)
    return false
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
}
