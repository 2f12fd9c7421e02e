import { access, constants, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { configError } from '../../config/resolve-settings.ts'
import { readPatches } from '../../config/stored-patches.ts'
import { listProblems, reasonOf } from '../../lib/error-text.ts'
import { SynchronizedPatches } from '../config-store.ts'
import {
  type ConfigStore,
  type ConfigStoreDeps,
  type PatchMedium,
  StoreFailure,
  type StoredText,
} from '../patch-medium.ts'
import { codeOf, type FileSystem, ReplacedFile } from './replace-file.ts'

/** How to solve failures, by the code of the error. */
const advice: Readonly<Record<string, string>> = {
  ENOENT: 'Create its folder again.',
  ENOSPC: 'Free disk space.',
  EDQUOT: 'Free disk space.',
  EROFS: 'Make its folder writable.',
  EACCES: 'Make it and its folder readable and writable.',
  EPERM: 'Make it and its folder readable and writable.',
  EBUSY: 'Mount its folder instead of the file.',
}

/** Options of `openFilePatches`. */
export interface FilePatchesOptions extends ConfigStoreDeps {
  /** Absolute path of the file. */
  readonly path: string
  /** Default: node:fs/promises. */
  readonly files?: FileSystem
}

/**
 * Applies the changes in a file to the configuration, and stores all further changes in it. The file does not have to exist, but its
 * folder.
 *
 * @throws {OperatorError} CONFIG_INVALID if the file cannot be read or written, or does not fit the configuration
 */
export async function openFilePatches(options: FilePatchesOptions): Promise<ConfigStore> {
  const { live, clock, logger, files } = options
  const path = await findFile(options.path)
  const file = new ReplacedFile(path, clock, files)
  const found = await file.read().catch((error: unknown) => {
    throw startError(
      `${path}: it cannot be read: ${reasonOf(error)}. Set CONFIG_STORE to the path of a file.`,
    )
  })
  await file.removeLeftovers()
  const patches = found && readPatches(found.text)
  const problems =
    patches && ('problems' in patches ? patches.problems : (await live.adopt(() => patches)).problems)
  if (problems && problems.length > 0) {
    const shown = listProblems(problems).map((problem) => `${path}: ${problem}`)
    throw startError(
      ...shown.slice(0, -1),
      `${shown.at(-1)} Repair the file, or move it away to start without its changes.`,
    )
  }
  if (found && (found.mode & 0o077) !== 0 && process.platform !== 'win32') {
    const mode = found.mode.toString(8)
    logger.warn(
      { path, mode },
      `Other users can read ${path} (mode ${mode}), which can have private keys. Run chmod 600 on it, or mount its share with file_mode=0600.`,
    )
  }
  const known = found && { mark: found.mark, patches: live.patches }
  const store = new SynchronizedPatches(new FileMedium(file), options, known)
  live.store = store
  return store
}

/** Resolves links, and checks the folder, so that a wrong path is noticed at the start. */
async function findFile(path: string): Promise<string> {
  try {
    const target = await realpath(path).catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error
      return missingFile(path)
    })
    const folder = dirname(target)
    if (!(await stat(folder)).isDirectory()) throw new Error(`${folder} is not a folder`)
    await access(folder, constants.W_OK)
    return target
  } catch (error) {
    throw startError(
      `CONFIG_STORE needs a folder that exists and can be written to: ${reasonOf(error)} (got ${path}). Create the folder, or mount a volume.`,
    )
  }
}

/** Returns the path of a file that does not exist yet. A link to it is kept: the file is created where the link points. */
async function missingFile(path: string): Promise<string> {
  const parent = await realpath(dirname(path))
  const target = await readlink(path).catch(() => undefined)
  return target === undefined ? join(parent, basename(path)) : missingFile(resolve(parent, target))
}

function startError(...problems: readonly string[]): Error {
  return configError('start', problems)
}

class FileMedium implements PatchMedium {
  readonly kind = 'file'
  readonly retryDelays = { firstMs: 1_000, maxMs: 60_000 }
  readonly longestPause = 'a minute'
  readonly repair = 'Repair the file, or move it away.'
  readonly #file: ReplacedFile

  constructor(file: ReplacedFile) {
    this.#file = file
  }

  get address(): string {
    return this.#file.path
  }

  read(known: string | undefined): Promise<StoredText | 'unchanged' | undefined> {
    return withAdvice(async () => {
      const mark = await this.#file.mark()
      if (mark === undefined) return undefined
      return mark === known ? 'unchanged' : this.#file.read()
    })
  }

  replace(text: string, mark: string | undefined): Promise<string | undefined> {
    return withAdvice(() => this.#file.replace(text, mark))
  }
}

async function withAdvice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new StoreFailure(reasonOf(error), advice[codeOf(error)] ?? '', { cause: error })
  }
}
