import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path'
import { reasonOf } from '../lib/error-text.ts'
import { nearestNames } from '../lib/nearest-names.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { readRegularText } from '../lib/regular-file.ts'

/** What extensions may be written in; where a name without its ending is given, the first one counts. */
const endings = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']

/**
 * Finds the file of an entry of EXTENSION_PATH: what exists is a file or a folder; what begins with a dot or a root must
 * exist; anything else is tried as a package.
 *
 * @param findPackage gives the whole path of an installed package's main file; undefined when it is not installed
 * @throws {OperatorError} EXTENSION_INVALID
 */
export function findExtensionFile(
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
    `Name a file that ends in ${endings.slice(0, -1).join(', ')} or ${endings.at(-1) ?? ''}.`,
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

/** A file is taken as it is; a folder stands for its package.json's main file, or for its index. */
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
  const hint = files.length === 0 ? '' : ` It holds ${files.slice(0, 5).join(', ')}: name such a file itself.`
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
