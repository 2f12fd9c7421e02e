import { relative, basename, dirname, extname, isAbsolute, join, resolve } from 'node:path'
import type { ExtensionHost } from '../pipeline/extension.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { buildExtension } from './check-extension.ts'
import { loadFailure } from './extension-error.ts'
import type { LoadedExtension } from './loaded-extension.ts'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { reasonOf } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { readRegularText } from '../lib/regular-file.ts'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { JitiOptions, ModuleCache } from 'jiti'

/**
 * Loads extensions in the order of their paths. Does not start them.
 *
 * @param paths files, folders with an index or a package.json, or names of installed packages
 * @param workingDirectory base of relative paths and of the search for packages
 * @param ownModules modules that extensions can import from any folder, by name: `aoai-simulated-api/extension`
 * @throws {OperatorError} EXTENSION_INVALID for the first one that cannot be found or loaded, or is not an extension
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
  // The exports of a CommonJS module can be the extension itself.
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

/** File name endings of extensions. For a name without an ending, the first existing one is used. */
const endings = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/**
 * Finds the file of an entry of EXTENSION_PATH: an existing file or folder, or else an installed package. A path that starts with a
 * dot or is absolute must exist.
 *
 * @param findPackage returns the absolute path of the main file of an installed package, or undefined
 * @throws {OperatorError} EXTENSION_INVALID
 */
function findExtensionFile(
  typed: string,
  workingDirectory: string,
  findPackage: (name: string) => string | undefined,
): string {
  const whole = resolve(workingDirectory, typed)
  const file = existsSync(whole) ? fileAt(whole, typed) : packageOf(typed, whole, findPackage)
  if (endings.includes(extname(file))) return file
  throw notFound(
    typed,
    `it is neither JavaScript nor TypeScript (got ${basename(file)})`,
    `Use a file that ends in ${endings.slice(0, -1).join(', ')} or ${endings.at(-1) ?? ''}.`,
  )
}

function packageOf(typed: string, whole: string, findPackage: (name: string) => string | undefined): string {
  const isPath = typed.startsWith('.') || isAbsolute(typed)
  const found = isPath ? undefined : findPackage(typed)
  if (found !== undefined) return found
  const [nearest] = nearestNames(basename(whole), namesIn(dirname(whole)), 1)
  const hint = nearest === undefined ? '' : ` Did you mean ${join(dirname(typed), nearest)}?`
  const what = isPath
    ? 'there is no such file or folder'
    : 'there is no such file, folder or installed package'
  throw notFound(typed, `${what} (looked in ${dirname(whole)})`, `Correct EXTENSION_PATH.${hint}`)
}

/** Returns a file unchanged, and for a folder the main file of its package.json, or its index. */
function fileAt(whole: string, typed: string): string {
  if (!statSync(whole).isDirectory()) return whole
  const main = mainOf(whole, typed)
  const start = main === undefined ? join(whole, 'index') : resolve(whole, main)
  const candidates = [start, ...endings.map((ending) => start + ending)]
  if (main !== undefined) candidates.push(...endings.map((ending) => join(start, `index${ending}`)))
  const found = candidates.find((path) => existsSync(path) && statSync(path).isFile())
  if (found !== undefined) return found
  if (main !== undefined) {
    throw notFound(typed, `its package.json names a main file that does not exist (got ${main})`, 'Build it.')
  }
  const files = namesIn(whole).filter((name) => endings.includes(extname(name)))
  const hint =
    files.length === 0 ? '' : ` Or set EXTENSION_PATH to a file in it: ${files.slice(0, 5).join(', ')}.`
  throw notFound(
    typed,
    `the folder has no index${endings.join(', index')} and no package.json with a main file`,
    `Add one.${hint}`,
  )
}

function mainOf(folder: string, typed: string): string | undefined {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return undefined
  try {
    const { main } = JSON.parse(readRegularText(path)) as { main?: unknown }
    return typeof main === 'string' ? main : undefined
  } catch (error) {
    const reason = reasonOf(error)
    throw notFound(typed, `its package.json cannot be read (${reason})`, 'Correct that file.')
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function notFound(typed: string, what: string, advice: string): OperatorError {
  return new OperatorError('EXTENSION_INVALID', `Could not load the extension ${typed}: ${what}. ${advice}`)
}

/** Modules that extensions can import from any folder, by name. */
export type OwnModules = Readonly<Record<string, object>>

/** Loads modules in JavaScript or TypeScript without a build, and finds packages. */
export interface ModuleLoader {
  /**
   * Runs a file and returns its exports: `module.exports`, or the exports of an ES module with `__esModule`. A module runs once for
   * each loader.
   *
   * @throws the errors of its code; for a syntax error, an Error with a message that starts with ParseError and has the position
   */
  load(file: string): Promise<unknown>
  /** Returns the absolute path of the main file of an installed package, or undefined. */
  findPackage(name: string): string | undefined
}

/**
 * Creates a loader for JavaScript and TypeScript, as CommonJS or ES modules.
 *
 * @param workingDirectory packages are searched in its node_modules and in those of its parents
 */
async function createModuleLoader(workingDirectory: string, ownModules: OwnModules): Promise<ModuleLoader> {
  // Loaded only if there are extensions, because it takes about 10 ms.
  const { createJiti } = await import('jiti')
  const options: JitiOptions = {
    // Without a cache on disk: compiling a small file takes a few milliseconds.
    fsCache: false,
    // Each simulator has its own instances of modules. `cache` below shares them among the extensions of one simulator.
    moduleCache: false,
    interopDefault: true,
    debug: false,
    tryNative: false,
    // For breakpoints in the files of extensions.
    sourceMaps: true,
    virtualModules: { ...ownModules },
  }
  const start = join(workingDirectory, 'extension.js')
  const plain = createJiti(start, options)
  const jiti = createJiti(start, {
    ...options,
    transform(source) {
      const code = plain.transform(source)
      checkImports(code, source.filename, ownModules)
      return { code }
    },
  })
  const cache: ModuleCache = {}
  return {
    async load(file) {
      if (!cache[file]) {
        await jiti.evalModule(readRegularText(file), {
          filename: file,
          ext: extname(file),
          cache,
          async: true,
          // Otherwise Node.js loads JavaScript itself, and finds no module or another copy for imports of our own modules.
          forceTranspile: true,
        })
      }
      return cache[file]?.exports
    },
    findPackage(name) {
      const url = isBuiltin(name) ? undefined : jiti.esmResolve(name, { try: true })
      return url?.startsWith('file:') ? fileURLToPath(url) : undefined
    },
  }
}

/**
 * Rejects imports of missing names from our own modules. In CommonJS they would be undefined, and fail only when a request uses
 * them. `code` is compiled and has no types.
 *
 * @throws {Error} for the first one
 */
function checkImports(code: string, filename: string | undefined, ownModules: OwnModules): void {
  for (const [name, exported] of Object.entries(ownModules)) {
    // The compiler creates variables with an underscore: `_extension.jsonReply`.
    const variables = code.matchAll(/\bvar (_\w+) = [^;]{0,100}?(?:jitiImport|require)\("([^"]+)"\)/g)
    for (const [, variable = '', from] of variables) {
      if (from !== name) continue
      for (const [, wanted = ''] of code.matchAll(new RegExp(`\\b${variable}\\.(\\w+)`, 'g'))) {
        if (wanted === 'default' || wanted === '__esModule' || Object.hasOwn(exported, wanted)) continue
        const [nearest] = nearestNames(wanted, Object.keys(exported), 1)
        const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`
        const message = `${name} has no export ${wanted}, which ${filename ?? 'it'} imports${hint}`
        // The message has the location. The stack of this line would mislead.
        throw Object.assign(new Error(message), { stack: message })
      }
    }
  }
}
