import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Patches } from '../../config/patches.ts'
import { readPatches } from '../../config/stored-patches.ts'
import type { Clock } from '../../lib/clock.ts'
import { listProblems, reasonOf } from '../../lib/error-text.ts'
import type { Logger } from '../../lib/logger.ts'
import { isRecord } from '../../lib/record.ts'
import { codeOf, ReplacedFile } from '../files/replace-file.ts'
import type { Known, PatchCopy } from '../patch-medium.ts'

const FORMAT_VERSION = 1

/** How to solve failures, by the code of the error. It is empty if the file has something else. */
const advice: Readonly<Record<string, string>> = {
  '': 'Wait for the other simulator, or remove the file',
  ENOSPC: 'Free disk space',
  EDQUOT: 'Free disk space',
}

/** What a copy has. */
export interface CopyContent {
  /** What the blob had when it was read or written last; undefined if it never was. */
  readonly known: Known | undefined
  /** The changes in force, if the blob did not have them. */
  readonly newest: Patches | undefined
}

/** Options of `LocalCopy`. */
export interface LocalCopyOptions {
  /** Absolute path of the file. Its folder is created. */
  readonly path: string
  /** Address of the blob. The copy of another one is not used. */
  readonly address: string
  readonly clock: Clock
  readonly logger: Logger
}

/** The path of the copy of a blob, if CONFIG_STORE_COPY is not set. Undefined for a user without a home. */
export function defaultCopyPath(address: string, env: NodeJS.ProcessEnv): string | undefined {
  const { XDG_STATE_HOME = '' } = env
  const state = isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : stateOfUser()
  const id = createHash('sha256').update(address).digest('hex').slice(0, 16)
  return state && join(state, 'aoai-sim', `config-store-${id}.json`)
}

function stateOfUser(): string | undefined {
  try {
    return join(homedir(), '.local', 'state')
  } catch {
    return undefined
  }
}

/** A file with the changes in a blob, and those that it does not have yet. Only its owner can read it. */
export class LocalCopy implements PatchCopy {
  readonly #options: LocalCopyOptions
  readonly #file: ReplacedFile
  #mark: string | undefined
  #saved: CopyContent | undefined
  #wanted: CopyContent | undefined
  #saving: Promise<void> | undefined
  /** Why the copy cannot be read or written. */
  #failure: string | undefined

  constructor(options: LocalCopyOptions) {
    this.#options = options
    this.#file = new ReplacedFile(options.path, options.clock)
  }

  get path(): string {
    return this.#options.path
  }

  get isFailing(): boolean {
    return this.#failure !== undefined
  }

  /** Reads the copy. Returns undefined if it does not exist, or cannot be used; the log then has the reason. */
  async open(): Promise<CopyContent | undefined> {
    const { path, address, logger } = this.#options
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await this.#file.removeLeftovers()
      const found = await this.#file.read()
      if (!found) return undefined
      const content = readCopy(found.text, address)
      if (!('problems' in content)) {
        this.#mark = found.mark
        return (this.#saved = content)
      }
      const shown = listProblems(content.problems).join(' ')
      logger.warn({ path }, `Could not use the copy of the configuration changes in ${path}: ${shown}`)
    } catch (error) {
      this.#fail(error)
    }
    return undefined
  }

  async save(known: Known | undefined, newest: Patches | undefined): Promise<void> {
    const last = this.#wanted ?? this.#saved
    const isSame = last?.known?.mark === known?.mark && last?.newest === newest
    if (!isSame || this.#failure !== undefined) this.#wanted = { known, newest }
    this.#saving ??= this.#saveWanted().finally(() => (this.#saving = undefined))
    await this.#saving
  }

  async #saveWanted(): Promise<void> {
    for (let content = this.#wanted; content; content = this.#wanted) {
      try {
        const mark = await this.#file.replace(writeCopy(content, this.#options.address), this.#mark)
        if (mark === undefined) {
          this.#mark = await this.#markOfOther()
          continue
        }
        this.#mark = mark
        this.#saved = content
        this.#failure = undefined
      } catch (error) {
        this.#fail(error)
      }
      if (this.#wanted === content) this.#wanted = undefined
    }
  }

  /**
   * Returns the mark of a copy that another simulator has written, such as the previous one in a rolling update.
   *
   * @throws {Error} if the file must not be replaced
   */
  async #markOfOther(): Promise<string | undefined> {
    const found = await this.#file.read()
    if (!found) return undefined
    const content = readCopy(found.text, this.#options.address)
    if ('problems' in content) throw new Error(listProblems(content.problems).join(' ').replace(/\.$/, ''))
    if (content.newest) throw new Error('another simulator has changes there that the blob does not have yet')
    return found.mark
  }

  #fail(error: unknown): void {
    const { path, logger } = this.#options
    const reason = reasonOf(error)
    const isReported = this.#failure !== undefined
    this.#failure = reason
    if (isReported) return
    const code = codeOf(error)
    const why = Object.hasOwn(advice, code) ? advice[code] : 'Make it and its folder readable and writable'
    logger.warn(
      { path },
      `Could not keep a copy of the configuration changes in ${path}: ${reason}. A start without Azure Storage needs it. ${why}, or set CONFIG_STORE_COPY to another file.`,
    )
  }
}

function writeCopy({ known, newest }: CopyContent, store: string): string {
  const blob = known && { mark: known.mark, changes: known.patches }
  return `${JSON.stringify({ version: FORMAT_VERSION, store, blob, pending: newest })}\n`
}

function readCopy(text: string, address: string): CopyContent | { readonly problems: readonly string[] } {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return { problems: ['it is not valid JSON. Remove it.'] }
  }
  if (!isRecord(content) || content['version'] !== FORMAT_VERSION)
    return { problems: ['it is not a copy of this version. Remove it.'] }
  if (content['store'] !== address)
    return {
      problems: ['it is the copy of another blob. Remove it, or set CONFIG_STORE_COPY to another file.'],
    }
  const { blob, pending } = content
  const problems: string[] = []
  const patchesIn = (changes: unknown): Patches | undefined => {
    const patches = readPatches(JSON.stringify({ version: 1, changes }))
    if (!('problems' in patches)) return patches
    problems.push(...patches.problems)
    return undefined
  }
  const patches = isRecord(blob) ? patchesIn(blob['changes']) : undefined
  const known = isRecord(blob) && patches ? { mark: String(blob['mark']), patches } : undefined
  const newest = pending === undefined ? undefined : patchesIn(pending)
  return problems.length > 0 ? { problems } : { known, newest }
}

/** Members with entries that are replaced as a whole. */
const wholeEntries = new Set(['put', 'keys', 'made', 'upstreams', 'tenants'])

/** Applies the differences between `base` and `mine` to `theirs`. */
export function mergePatches(base: Patches, mine: Patches, theirs: Patches): Patches {
  return withFeedback(
    mergeMembers(asRecord(base), asRecord(mine), asRecord(theirs), '') as unknown as Patches,
  )
}

type Members = Readonly<Record<string, unknown>>

function mergeMembers(base: Members, mine: Members, theirs: Members, name: string): Members {
  const merged = new Map(Object.entries(theirs))
  for (const key of new Set([...Object.keys(base), ...Object.keys(mine)])) {
    const [before, now, other] = [base, mine, theirs].map((each) =>
      Object.hasOwn(each, key) ? each[key] : undefined,
    )
    if (isDeepStrictEqual(before, now)) continue
    if (now === undefined) merged.delete(key)
    else if (isRecord(now) && isRecord(other) && !wholeEntries.has(name) && key !== 'signingKey')
      merged.set(key, mergeMembers(isRecord(before) ? before : {}, now, other, key))
    else merged.set(key, now)
  }
  return Object.fromEntries(merged)
}

/** Feedback by id, so that it is merged like other entries. */
function asRecord({ feedback, ...others }: Patches): Members {
  return feedback ? { ...others, feedback: Object.fromEntries(feedback.map((one) => [one.id, one])) } : others
}

function withFeedback({ feedback, ...others }: Patches): Patches {
  return feedback ? { ...others, feedback: Object.values(feedback) } : others
}
