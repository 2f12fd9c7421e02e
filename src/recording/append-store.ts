import { mkdir, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { claimWriter, type WriterClaim } from './append-claim.ts'
import { appendFailure } from './append-failure.ts'
import { AppendFile, cutTail, type ReportFile } from './append-file.ts'
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
    const { writer } = await this.#claimed()
    await this.#fileOf(recordFileName(path), writer).append(item)
  }

  /** Gives the folder free for other writers. Nothing may be under way. */
  async close(): Promise<void> {
    const claim = await this.#claim?.catch(() => undefined)
    this.#claim = undefined
    await claim?.release()
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
      return await claimWriter(this.#dir)
    } catch (error) {
      throw appendFailure(this.#dir, error)
    }
  }

  #fileOf(name: string, writer: number): AppendFile {
    const known = this.#files.get(name)
    if (known) return known
    if (this.#files.size >= mostRemembered) this.#forgetIdle()
    const file = new AppendFile({ dir: this.#dir, name, writer }, this.#report)
    this.#files.set(name, file)
    return file
  }

  #forgetIdle(): void {
    for (const [name, file] of this.#files) if (file.isIdle) this.#files.delete(name)
  }

  async #repair(path: string): Promise<void> {
    try {
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
