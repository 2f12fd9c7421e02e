import { isBuiltin } from 'node:module'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JitiOptions, ModuleCache } from 'jiti'
import { nearestNames } from '../lib/nearest-names.ts'
import { readRegularText } from '../lib/regular-file.ts'

/** Modules that an extension may import wherever its file lies: by the name that it imports. */
export type OwnModules = Readonly<Record<string, object>>

/** Loads modules that nobody has built, and finds packages. */
export interface ModuleLoader {
  /**
   * Runs a file and gives what it exports: `module.exports`, or an ES module's exports with `__esModule`. A module that
   * several files import runs once; for another loader it runs anew.
   *
   * @throws whatever its code throws; for one that cannot be parsed an Error that begins with ParseError and names the place
   */
  load(file: string): Promise<unknown>
  /** The whole path of an installed package's main file; undefined when it is not installed. */
  findPackage(name: string): string | undefined
}

/**
 * Makes a loader for JavaScript and TypeScript, in CommonJS and in ES modules.
 *
 * @param workingDirectory where packages are looked for, in its node_modules and in those of the folders above it
 */
export async function createModuleLoader(
  workingDirectory: string,
  ownModules: OwnModules,
): Promise<ModuleLoader> {
  // It takes some ten milliseconds, which a start without extensions need not spend.
  const { createJiti } = await import('jiti')
  const options: JitiOptions = {
    // Nothing is written to the disk: turning a small file into JavaScript takes a few milliseconds.
    fsCache: false,
    // Modules of an extension start anew with each simulator; `cache` below shares them among one simulator's extensions.
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
          // Node would load plain JavaScript itself, and would not find our own modules, or would find another copy of them.
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
 * Finds imports from our own modules of names that they do not have. As CommonJS they would be undefined, and fail at the first
 * request that comes to them. Types are gone from the code by now.
 *
 * @throws {Error} for the first one
 */
function checkImports(code: string, filename: string | undefined, ownModules: OwnModules): void {
  for (const [name, exported] of Object.entries(ownModules)) {
    // The names of variables that the compiler makes begin with an underscore: `_extension.jsonReply`.
    const variables = code.matchAll(/\bvar (_\w+) = [^;]{0,100}?(?:jitiImport|require)\("([^"]+)"\)/g)
    for (const [, variable = '', from] of variables) {
      if (from !== name) continue
      for (const [, wanted = ''] of code.matchAll(new RegExp(`\\b${variable}\\.(\\w+)`, 'g'))) {
        if (wanted === 'default' || wanted === '__esModule' || Object.hasOwn(exported, wanted)) continue
        const [nearest] = nearestNames(wanted, Object.keys(exported), 1)
        const hint = nearest === undefined ? '' : ` (its nearest is ${nearest})`
        const message = `${name} has no export ${wanted}, which ${filename ?? 'it'} imports${hint}`
        // Its place is in the message; that of this line would mislead.
        throw Object.assign(new Error(message), { stack: message })
      }
    }
  }
}
