import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { requireRegular } from '../lib/regular-file.ts'
import { claimWriter, lockName, type WriterClaim } from './append-claim.ts'
import { appendFailure, AppendFile, cutTail, type ReportFile } from './append-file.ts'
import { inspectTail } from './append-tail.ts'
import { isFileOfWriter, recordFileName } from './record-file-name.ts'

/** How many files' ends are remembered; a URL path may hold an id, so there is no end to them. */
const mostRemembered = 1_000

/** A folder of recordings to which this process appends. */
export class AppendStore {
  readonly #dir: string
  readonly #report: ReportFile
  readonly #files = new Map<string, AppendFile>()
  #claim: Promise<WriterClaim> | undefined
  /** A look at the claim that is under way, which all who come meanwhile share. */
  #check: Promise<WriterClaim> | undefined
  /** Whether the file system takes `A` and `a` for one name. */
  #ignoresCase = false
  #forgotten = 0

  constructor(dir: string, report: ReportFile) {
    this.#dir = dir
    this.#report = report
  }

  /**
   * Makes the folder where it is missing, and cuts off what a killed process has left half written.
   *
   * @throws {AppendFailure} when the folder cannot be written to
   */
  async open(): Promise<void> {
    const { writer } = await this.#claimed()
    const files = await readdir(this.#dir)
    for (const file of files) {
      if (isFileOfWriter(file, writer)) await this.#repair(join(this.#dir, file))
    }
  }

  /**
   * Resolves when the item is on the disk.
   *
   * @param path of the URL
   * @throws {AppendFailure} when it is not
   */
  async append(path: string, item: string): Promise<void> {
    const { writer } = await this.#heldClaim()
    await this.#fileOf(recordFileName(path), writer).append(item)
  }

  /** How many files have been written to, those that are remembered no more included. */
  get fileCount(): number {
    return this.#forgotten + this.#files.size
  }

  /** Gives the folder free for other writers. Nothing may be under way. */
  async close(): Promise<void> {
    const claim = await this.#claim?.catch(() => undefined)
    this.#claim = undefined
    await claim?.release()
  }

  /** A folder that was removed has lost its lock, so that another process may have this number. */
  #heldClaim(): Promise<WriterClaim> {
    this.#check ??= this.#checkClaim().finally(() => (this.#check = undefined))
    return this.#check
  }

  async #checkClaim(): Promise<WriterClaim> {
    const taken = this.#claimed()
    const claim = await taken
    if (await claim.isHeld()) return claim
    if (this.#claim === taken) {
      this.#claim = undefined
      await claim.release()
    }
    return this.#claimed()
  }

  #claimed(): Promise<WriterClaim> {
    if (this.#claim) return this.#claim
    const claim = this.#makeClaim()
    this.#claim = claim
    // The next interaction tries again: a disk may get room, and a share come back.
    claim.catch(() => (this.#claim = undefined))
    return claim
  }

  async #makeClaim(): Promise<WriterClaim> {
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      const claim = await claimWriter(this.#dir)
      this.#ignoresCase = await ignoresCase(this.#dir, lockName(claim.writer))
      return claim
    } catch (error) {
      throw appendFailure(this.#dir, error)
    }
  }

  #fileOf(name: string, writer: number): AppendFile {
    const key = `${writer} ${this.#ignoresCase ? name.toLowerCase() : name}`
    const known = this.#files.get(key)
    if (known) return known
    if (this.#files.size >= mostRemembered) this.#forgetIdle()
    const file = new AppendFile({ dir: this.#dir, name, writer }, this.#report)
    this.#files.set(key, file)
    return file
  }

  #forgetIdle(): void {
    for (const [name, file] of this.#files) {
      if (file.isIdle && this.#files.delete(name)) this.#forgotten++
    }
  }

  async #repair(path: string): Promise<void> {
    try {
      requireRegular(await stat(path))
      const file = await open(path, 'r+')
      try {
        const { size } = await file.stat()
        const tail = await inspectTail(file, size)
        if (tail.kind === 'torn') await cutTail(file, path, tail, size, this.#report)
      } finally {
        await file.close()
      }
    } catch (error) {
      // A file that cannot be opened is no reason to record nothing; whoever appends to it will hear of it again.
      this.#report({ file: path }, appendFailure(path, error).message)
    }
  }
}

async function ignoresCase(dir: string, name: string): Promise<boolean> {
  const found = await stat(join(dir, name.toUpperCase())).catch(() => undefined)
  return found !== undefined
}
