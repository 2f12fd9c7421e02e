import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { requireRegular } from '../lib/regular-file.ts'
import { claimFolder, type FolderClaim, isHeld, releaseFolder } from './append-claim.ts'
import { appendFailure, AppendFile, cutTail, type ReportFile } from './append-file.ts'
import { inspectTail } from './append-tail.ts'
import { isClaimedFile, recordFileName } from './record-file-name.ts'

/** Number of files in memory. URL paths may contain ids, so the number of files is not bounded. */
const MAX_CACHED_FILES = 1_000

/** A folder of recordings to which this process appends. */
export class AppendStore {
  readonly #dir: string
  readonly #report: ReportFile
  readonly #files = new Map<string, AppendFile>()
  #claim: FolderClaim | undefined
  /** Part of the names of all files of this process; undefined while it has the claim. */
  #writerId: string | undefined
  /** A check of the claim that is running, shared by concurrent appends. */
  #check: Promise<string | undefined> | undefined
  /** Whether the file system treats `A` and `a` as the same name. */
  #ignoresCase = false
  #evicted = 0

  constructor(dir: string, report: ReportFile) {
    this.#dir = dir
    this.#report = report
  }

  /**
   * Creates the folder if it is missing, and removes incomplete items of killed processes.
   *
   * @throws {AppendFailure} if the folder is not writable
   */
  async open(): Promise<void> {
    if ((await this.#checkedWriterId()) !== undefined) return
    for (const file of await readdir(this.#dir)) {
      if (isClaimedFile(file)) await this.#repair(join(this.#dir, file))
    }
  }

  /**
   * Resolves with the path of the file when the item is on the disk.
   *
   * @param path of the URL
   * @throws {AppendFailure} if it could not be written
   */
  async append(path: string, item: string): Promise<string> {
    const writerId = await this.#checkedWriterId()
    return this.#fileOf(recordFileName(path), writerId).append(item)
  }

  /** How many files have been written to. */
  get fileCount(): number {
    return this.#evicted + this.#files.size
  }

  /** Releases the folder for other processes. No append may be running. */
  async close(): Promise<void> {
    const claim = this.#claim
    this.#claim = undefined
    if (claim) await releaseFolder(claim)
  }

  /** Claims the folder if this process has no claim and no id yet, or if its lock file was deleted with the folder. */
  #checkedWriterId(): Promise<string | undefined> {
    this.#check ??= this.#checkClaim().finally(() => (this.#check = undefined))
    return this.#check
  }

  async #checkClaim(): Promise<string | undefined> {
    const isSettled = this.#writerId !== undefined || (this.#claim && (await isHeld(this.#claim)))
    if (!isSettled) await this.#claimFolder()
    return this.#writerId
  }

  async #claimFolder(): Promise<void> {
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      const claim = await claimFolder(this.#dir)
      const { lockPath, heldBy } = claim
      this.#ignoresCase = await ignoresCase(this.#dir, basename(lockPath))
      this.#claim = heldBy === undefined ? claim : undefined
      if (heldBy === undefined) return
      this.#writerId = randomUUID().slice(0, 8)
      const message = `The folder is in use by ${heldBy}, so new recordings go to files that end in ~${this.#writerId}.yaml. If that process has ended, delete the lock file and start again.`
      this.#report({ file: lockPath }, message)
    } catch (error) {
      throw appendFailure(this.#dir, error)
    }
  }

  #fileOf(name: string, writerId: string | undefined): AppendFile {
    const key = `${writerId ?? ''} ${this.#ignoresCase ? name.toLowerCase() : name}`
    const cached = this.#files.get(key)
    if (cached) return cached
    if (this.#files.size >= MAX_CACHED_FILES) this.#evictIdle()
    const file = new AppendFile({ dir: this.#dir, name, writerId }, this.#report)
    this.#files.set(key, file)
    return file
  }

  #evictIdle(): void {
    for (const [name, file] of this.#files) {
      if (file.isIdle && this.#files.delete(name)) this.#evicted++
    }
  }

  async #repair(path: string): Promise<void> {
    try {
      requireRegular(await stat(path))
      const file = await open(path, 'r+')
      try {
        const { size } = await file.stat()
        const tail = await inspectTail(file, size)
        if (tail.kind === 'incomplete') await cutTail(file, path, tail, size, this.#report)
      } finally {
        await file.close()
      }
    } catch (error) {
      // Other files can still be recorded to. An append to this one fails with the same message.
      this.#report({ file: path }, appendFailure(path, error).message)
    }
  }
}

async function ignoresCase(dir: string, name: string): Promise<boolean> {
  const found = await stat(join(dir, name.toUpperCase())).catch(() => undefined)
  return found !== undefined
}
