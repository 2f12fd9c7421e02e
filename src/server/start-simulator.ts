import { resolve } from 'node:path'
import { createApp, type App } from './app.ts'
import { connectSharedState } from './redis-shared-state.ts'
import type { PageSources } from './pages.ts'
import { assembleSimulator, type Simulator, type SimulatorDeps } from './simulator.ts'
import type { LiveConfig } from '../config/live-config.ts'
import { buildExtension } from '../extensions/check-extension.ts'
import { composeExtensions } from '../extensions/compose-extensions.ts'
import { loadExtensions } from '../extensions/load-extensions.ts'
import type { LoadedExtension } from '../extensions/loaded-extension.ts'
import type { ExtensionExport, ExtensionHost } from '../pipeline/extension.ts'
import type { Logger } from '../lib/logger.ts'
import { useTokenFolder } from '../tokens/encoding.ts'
import * as extensionKit from './extension-kit.ts'

/** An extension itself, a function that makes one, or a path that names one: a file, a folder, a package. */
export type ExtensionSource = string | ExtensionExport

/** What a simulator is started with. */
export interface StartOptions extends Omit<SimulatorDeps, 'extensions'> {
  /** In the order in which they act. */
  readonly extensions: readonly ExtensionSource[]
  /** What the paths of extensions start from. */
  readonly workingDirectory: string
  /** Whether its journal is its own, also where it has a Redis together with others. */
  readonly hasOwnJournal?: boolean
  /** Absent: all pages are of this process. */
  readonly pages?: PageSources
}

/** A simulator that can answer, and its routes. Whoever started it closes it. */
export interface StartedSimulator {
  readonly simulator: Simulator
  readonly app: App
}

/**
 * Loads extensions, puts the simulator together, and makes it ready for its first request. Where a step fails, what was
 * started before it is closed again.
 *
 * @throws {OperatorError} for a file of an encoding that is not the official one, an extension that cannot be loaded or
 * started, and recordings that cannot be read or written
 */
export async function startSimulator(
  live: LiveConfig,
  { extensions, workingDirectory, pages, ...deps }: StartOptions,
): Promise<StartedSimulator> {
  const { clock, logger } = deps
  takeTokenFolder(live, workingDirectory, logger)
  const host: ExtensionHost = {
    get config() {
      return live.current.defaultResource
    },
    clock,
    logger,
  }
  // A worker has them through its primary.
  const sharedState = deps.limits ? undefined : await connectSharedState(live, deps)
  const loaded = await loadAll(extensions, host, workingDirectory).catch((error: unknown) => {
    sharedState?.close()
    throw error
  })
  const simulator = assembleSimulator(live, { ...deps, sharedState, extensions: composeExtensions(loaded) })
  try {
    await simulator.start()
    return { simulator, app: createApp(simulator, pages) }
  } catch (error) {
    // What made the start fail is what the caller has to hear of.
    await simulator.close().catch(() => {})
    throw error
  }
}

/** Before anything counts tokens, so that the files are what it counts by. */
function takeTokenFolder(live: LiveConfig, workingDirectory: string, logger: Logger): void {
  const { tiktokenCacheDir } = live.current
  if (tiktokenCacheDir === undefined) return
  const { missing } = useTokenFolder(resolve(workingDirectory, tiktokenCacheDir))
  for (const sentence of missing) {
    logger.info({ tiktokenCacheDir }, `${sentence} The tokens that come with the program are used.`)
  }
}

/** Those with a path share one loader, and with it the modules that they have in common. */
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
 * What extensions may import wherever their files lie, by the name that they import: the running simulator's own modules,
 * for `loadExtensions`.
 */
export const extensionModules: Readonly<Record<string, object>> = {
  'aoai-simulated-api/extension': extensionKit,
}
