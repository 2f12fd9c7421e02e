import { resolve } from 'node:path'
import { createApp, type App } from './app.ts'
import { connectSharedState } from './redis-shared-state.ts'
import type { PageSources } from './pages.ts'
import { openSimulatorLogs } from './log-warnings.ts'
import { assembleSimulator, type Simulator, type SimulatorDeps } from './simulator.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { storeOf } from '../config/config-store-settings.ts'
import { buildExtension } from '../extensions/check-extension.ts'
import { composeExtensions } from '../extensions/compose-extensions.ts'
import { loadExtensions } from '../extensions/load-extensions.ts'
import type { LoadedExtension } from '../extensions/loaded-extension.ts'
import type { ExtensionExport, ExtensionHost } from '../pipeline/extension.ts'
import type { Logger } from '../lib/logger.ts'
import { createSystemClock } from '../lib/system-clock.ts'
import type { ConfigStore } from '../shared/patch-medium.ts'
import { openBlobPatches } from '../shared/blob/blob-patches.ts'
import { defaultCopyPath } from '../shared/blob/local-copy.ts'
import { openFilePatches } from '../shared/files/file-patches.ts'
import { useTokenFolder } from '../tokens/encoding.ts'
import * as extensionKit from './extension-kit.ts'

/** An extension, a function that returns one, or the path of a file, a folder or a package. */
export type ExtensionSource = string | ExtensionExport

/** Options of `startSimulator`. */
export interface StartOptions extends Omit<SimulatorDeps, 'extensions'> {
  /** Extensions in the order of their hooks. */
  readonly extensions: readonly ExtensionSource[]
  /** Base of extension paths. */
  readonly workingDirectory: string
  /** Whether the journal is local, even with Redis. Default false. */
  readonly hasOwnJournal?: boolean
  /** Sources of pages for several processes. Default: this process serves all pages. */
  readonly pages?: PageSources
}

/** A started simulator and its routes. The caller closes it. */
export interface StartedSimulator {
  readonly simulator: Simulator
  readonly app: App
}

/**
 * Loads extensions, creates the simulator, and prepares it for its first request. If a step fails, everything started before it is
 * closed.
 *
 * @throws {OperatorError} if an encoding file is not the official one, CONFIG_STORE cannot be used, an extension cannot be loaded or started, or recordings cannot
 * be read or written
 */
export async function startSimulator(
  live: LiveConfig,
  { extensions, workingDirectory, pages, ...given }: StartOptions,
): Promise<StartedSimulator> {
  const { clock } = given
  const openedLogs = openSimulatorLogs(live, given)
  const { logger } = openedLogs
  const deps = { ...given, logger, openedLogs }
  applyTokenFolder(live, workingDirectory, logger)
  const host: ExtensionHost = {
    get config() {
      return live.current.defaultResource
    },
    clock,
    logger,
  }
  // A worker uses the shared state of its primary.
  const sharedState = deps.limits ? undefined : await connectSharedState(live, deps)
  const configStore = deps.limits ? undefined : await openConfigStore(live, workingDirectory, logger)
  const loaded = await loadAll(extensions, host, workingDirectory).catch(async (error: unknown) => {
    sharedState?.close()
    await configStore?.close()
    throw error
  })
  const simulator = assembleSimulator(live, {
    ...deps,
    sharedState,
    configStore,
    extensions: composeExtensions(loaded),
  })
  try {
    await simulator.start()
    return { simulator, app: createApp(simulator, pages) }
  } catch (error) {
    // Throw the error of the start, not of the close.
    await simulator.close().catch(() => {})
    throw error
  }
}

/** Applies the changes in CONFIG_STORE, and stores further ones. Returns undefined without CONFIG_STORE. */
async function openConfigStore(
  live: LiveConfig,
  workingDirectory: string,
  logger: Logger,
): Promise<ConfigStore | undefined> {
  const { configStore, configStoreKey: key, configStoreCopy } = live.current
  const store = storeOf(configStore ?? '')
  if (!store) return undefined
  // Retries use the system clock, even with a virtual clock for exchanges.
  const deps = { live, clock: createSystemClock(), logger }
  if (store.kind === 'file') return openFilePatches({ ...deps, path: resolve(workingDirectory, store.path) })
  const copy = configStoreCopy ?? defaultCopyPath(store.address, process.env)
  const copyPath = copy === undefined || copy === 'off' ? undefined : resolve(workingDirectory, copy)
  return openBlobPatches({ ...deps, store, key, copyPath })
}

/** Uses the encoding files of TIKTOKEN_CACHE_DIR. Must run before tokens are counted. */
function applyTokenFolder(live: LiveConfig, workingDirectory: string, logger: Logger): void {
  const { tiktokenCacheDir } = live.current
  if (tiktokenCacheDir === undefined) return
  const { missing } = useTokenFolder(resolve(workingDirectory, tiktokenCacheDir))
  for (const sentence of missing) {
    logger.info({ tiktokenCacheDir }, `${sentence} The built-in encoding is used.`)
  }
}

/** Loads extensions. Those with a path share one loader, and therefore their modules. */
async function loadAll(
  sources: readonly ExtensionSource[],
  host: ExtensionHost,
  workingDirectory: string,
): Promise<LoadedExtension[]> {
  const paths = sources.filter((source) => typeof source === 'string')
  const fromPaths = await loadExtensions(paths, host, workingDirectory, extensionModules)
  const loaded: LoadedExtension[] = []
  for (const [index, source] of sources.entries()) {
    const next =
      typeof source === 'string'
        ? fromPaths.shift()
        : await buildExtension(source, `extensions[${index}]`, host)
    if (next) loaded.push(next)
  }
  return loaded
}

/**
 * Modules of the running simulator that extensions can import from any location, by import name.
 */
export const extensionModules: Readonly<Record<string, object>> = {
  'aoai-simulated-api/extension': extensionKit,
}
