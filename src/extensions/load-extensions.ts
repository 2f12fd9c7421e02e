import { relative } from 'node:path'
import type { ExtensionHost } from '../pipeline/extension.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { buildExtension } from './check-extension.ts'
import { findExtensionFile } from './extension-file.ts'
import { loadFailure } from './load-failure.ts'
import type { LoadedExtension } from './loaded-extension.ts'
import { createModuleLoader, type ModuleLoader, type OwnModules } from './module-loader.ts'

/**
 * Loads extensions, one after the other, in the order of their paths. Nothing of them is started.
 *
 * @param paths each a file, a folder with an index or a package.json, or the name of an installed package
 * @param workingDirectory what relative paths start from, and where packages are looked for
 * @param ownModules what extensions may import from any folder, by name: `aoai-simulated-api/extension`
 * @throws {OperatorError} EXTENSION_INVALID for the first one that cannot be found or loaded, or is no extension
 */
export async function loadExtensions(
  paths: readonly string[],
  host: ExtensionHost,
  workingDirectory: string,
  ownModules: OwnModules,
): Promise<LoadedExtension[]> {
  if (paths.length === 0) return []
  const loader = await createModuleLoader(workingDirectory, ownModules)
  const loaded: LoadedExtension[] = []
  for (const path of paths) {
    const file = findExtensionFile(path, workingDirectory, (name) => loader.findPackage(name))
    const short = relative(workingDirectory, file)
    const source = short.startsWith('..') ? file : short
    const value = await loadDefault(loader, file, source)
    loaded.push({ ...(await buildExtension(value, source, host)), file })
  }
  return loaded
}

async function loadDefault(loader: ModuleLoader, file: string, source: string): Promise<unknown> {
  let exported: unknown
  try {
    exported = await loader.load(file)
  } catch (error) {
    throw loadFailure(source, 'its code failed', error)
  }
  // What a CommonJS module exports may be the extension itself.
  if (typeof exported !== 'object' || exported === null) return exported
  if ('default' in exported && exported.default !== undefined) return exported.default
  const names = Object.keys(exported).filter((name) => name !== 'default')
  if (names.length > 0 && !('__esModule' in exported)) return exported
  const got = names.length === 0 ? 'no exports' : `the exports ${names.toSorted().join(', ')}`
  throw new OperatorError(
    'EXTENSION_INVALID',
    `Could not use the extension ${source}: it has no default export (got ${got}). Write export default defineExtension({ name: '...' }).`,
  )
}
