import { isDeepStrictEqual } from 'node:util'
import type { BlobStore } from '../../config/config-store-settings.ts'
import type { LiveConfig } from '../../config/live-config.ts'
import { noChanges, type Patches } from '../../config/patches.ts'
import { configError } from '../../config/resolve-settings.ts'
import { readPatches } from '../../config/stored-patches.ts'
import { sleep } from '../../lib/waiting.ts'
import { SynchronizedPatches, unusable } from '../config-store.ts'
import {
  type ConfigStore,
  type ConfigStoreDeps,
  type Known,
  type PatchMedium,
  StoreFailure,
  type StoredText,
} from '../patch-medium.ts'
import { createBlobMedium } from './blob-medium.ts'
import { type CopyContent, LocalCopy, mergePatches } from './local-copy.ts'

/** A start does not wait longer for the blob. */
const START_TIMEOUT_MS = 5_000

/** Pauses before the blob is read again at the start, if the failure can end soon. */
const START_PAUSES_MS = [200, 800]

/** Options of `openBlobPatches`. */
export interface BlobPatchesOptions extends ConfigStoreDeps {
  readonly store: BlobStore
  /** Key of the storage account. */
  readonly key: string | undefined
  /** Absolute path of the copy; undefined keeps none. */
  readonly copyPath: string | undefined
}

/**
 * Applies the changes in a blob to the configuration, and stores all further changes in it. The blob does not have to exist, but its
 * container. If the blob cannot be read, the start uses the copy, or no changes, and those of the blob apply when it can be read.
 *
 * @throws {OperatorError} CONFIG_INVALID if a package is not installed, or the blob does not fit the configuration and has no copy
 */
export async function openBlobPatches(options: BlobPatchesOptions): Promise<ConfigStore> {
  const { live, store: blob, copyPath, logger } = options
  const medium = await createBlobMedium(options)
  const copy =
    copyPath === undefined ? undefined : new LocalCopy({ ...options, address: blob.address, path: copyPath })
  const saved = await copy?.open()
  const found = await readPatiently(medium, options)
  const start = await chooseStart(found, saved, medium, live)
  const store = new SynchronizedPatches(medium, options, start.known, copy)
  live.store = store
  const { failure, pending } = start
  const path = medium.address
  const hasCopy = start.isFromCopy && copy
  if (failure) {
    store.startWithout(failure)
    const used = hasCopy ? `the copy in ${copy.path}` : 'no stored changes, because it has no copy of them'
    const message = `Could not read the changes of the configuration in ${path}: ${failure.message}. The simulator starts with ${used}, and applies those in the blob when it can read them. ${failure.todo}`
    logger.error({ path }, message.trimEnd())
  } else if (hasCopy) {
    logger.warn(
      { path },
      `${path} does not exist. It is created with the changes of the copy in ${copy.path}.`,
    )
  }
  if (pending) {
    const { problems } = await live.update((patches) => {
      const merged = mergePatches(pending.base, pending.mine, patches)
      return { result: undefined, ...(!isDeepStrictEqual(merged, patches) && { patches: merged }) }
    })
    if (problems.length > 0)
      logger.warn(
        { path, problems },
        `Discarded the changes of the configuration that ${path} did not have at the last stop, because they do not fit. Make them again.`,
      )
  } else await copy?.save(start.known, undefined)
  return store
}

/** With which changes the simulator starts. */
interface Start {
  /** What the blob has, or had when the copy was written. */
  readonly known: Known | undefined
  /** Why the blob is not used. */
  readonly failure?: StoreFailure
  readonly isFromCopy: boolean
  /** Changes that the blob does not have. */
  readonly pending?: { readonly base: Patches; readonly mine: Patches }
}

/** Applies the changes of the blob, or else those of the copy. */
async function chooseStart(
  found: StoredText | StoreFailure | undefined,
  saved: CopyContent | undefined,
  medium: PatchMedium,
  live: LiveConfig,
): Promise<Start> {
  const pendingOn = (base: Patches, mine: Patches | undefined): Pick<Start, 'pending'> =>
    mine ? { pending: { base, mine } } : {}
  const savedBase = saved?.known?.patches ?? noChanges
  if (!found) {
    const mine = saved?.newest ?? saved?.known?.patches
    return { known: undefined, isFromCopy: mine !== undefined, ...pendingOn(noChanges, mine) }
  }
  let failure: StoreFailure
  if (found instanceof StoreFailure) failure = found
  else {
    const patches = readPatches(found.text)
    const problems = 'problems' in patches ? patches.problems : (await live.adopt(() => patches)).problems
    if (problems.length === 0) {
      const known = { mark: found.mark, patches: live.patches }
      return { known, isFromCopy: false, ...pendingOn(savedBase, saved?.newest) }
    }
    failure = unusable(problems, medium.repair)
  }
  const unfit = saved?.known ? (await live.adopt(() => savedBase)).problems : []
  if (saved && unfit.length === 0) {
    const known = saved.known && { mark: saved.known.mark, patches: live.patches }
    return { known, failure, isFromCopy: true, ...pendingOn(savedBase, saved.newest) }
  }
  if (found instanceof StoreFailure) return { known: undefined, failure, isFromCopy: false }
  const todo = `${medium.repair.replace(/\.$/, '')} to start without its changes.`
  throw configError('start', [`${medium.address}: ${failure.message}. ${todo}`])
}

/** Reads the blob. Failures that can end soon are repeated. */
async function readPatiently(
  medium: PatchMedium,
  { clock }: ConfigStoreDeps,
): Promise<StoredText | StoreFailure | undefined> {
  for (let attempt = 0; ; attempt++) {
    const abort = new AbortController()
    const late = new StoreFailure(
      `it does not answer within ${START_TIMEOUT_MS / 1_000} seconds`,
      'Check the network, and the firewall of the storage account.',
    )
    const stop = clock.at(clock.nowMs() + START_TIMEOUT_MS, () => abort.abort(late))
    try {
      const found = await medium.read(undefined, abort.signal)
      return found === 'unchanged' ? undefined : found
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      const pauseMs = START_PAUSES_MS[attempt]
      if (pauseMs === undefined || !error.isTransient || error.retryAfterMs > pauseMs) return error
      await sleep(pauseMs, clock)
    } finally {
      stop()
    }
  }
}
