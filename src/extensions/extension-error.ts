import { OperatorError } from '../lib/operator-error.ts'

/** Where in an extension something went wrong. */
export interface ExtensionPart {
  /** The extension's name. */
  readonly extension: string
  /** Where it comes from, such as the path of its file. */
  readonly source: string
  /** Which part of it, such as `hook 2 (addDelay)`. */
  readonly part: string
}

/**
 * A request that an extension made fail. Its cause is what was thrown; its stack ends with the cause's own, since a log
 * shows the stack alone.
 */
export class ExtensionError extends Error {
  override readonly name = 'ExtensionError'
  readonly extensionPart: ExtensionPart

  /** @param what completes the sentence "The extension X failed in Y: ..." */
  constructor(extensionPart: ExtensionPart, what: string, options?: ErrorOptions) {
    const { extension, source, part } = extensionPart
    super(`The extension "${extension}" (${source}) failed in ${part}: ${what}`, options)
    this.extensionPart = extensionPart
    const cause = options?.cause
    if (cause instanceof Error) this.stack = `${this.name}: ${this.message}\nCaused by: ${cause.stack}`
  }
}

/** The error of a part that threw `thrown`, which may be no Error at all. */
export function wrapExtensionError(extensionPart: ExtensionPart, thrown: unknown): ExtensionError {
  const what = thrown instanceof Error ? thrown.message : `it threw ${String(thrown)}`
  return new ExtensionError(extensionPart, what, { cause: thrown })
}

/** A value in a few words, for a message. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/**
 * The error of an extension whose own code failed while it was loaded.
 *
 * @param source where the extension comes from
 * @param what says what failed
 * @param thrown what its code threw; its message and its place in the extension's files are told
 */
export function loadFailure(source: string, what: string, thrown: unknown): OperatorError {
  return new OperatorError(
    'EXTENSION_INVALID',
    `Could not load the extension ${source}: ${what}: ${reasonOf(thrown)}${placeOf(thrown)}. ${adviceOf(thrown)}`,
    { cause: thrown },
  )
}

/** One line; Node adds the files that led to a missing module, of which the last one imports it. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const importer = /\nRequire stack:\n- (.+)/.exec(thrown.message)?.[1]
  const text = thrown.message.replace(/\nRequire stack:[\s\S]*/, '')
  const inOneLine = text.replaceAll(/\s*\n\s*/g, ' ').trim()
  const from = importer === undefined ? '' : `, imported from ${importer}`
  return `${inOneLine}${from}`.replace(/\.$/, '')
}

/** The first place of the stack that is neither Node's, nor of a package, nor of this program. */
function placeOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || isMissingModule(thrown) || isParseError(thrown)) return ''
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const place = frames
    .map((line) => /\(?(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^()]*:\d+:\d+)\)?$/.exec(line)?.[1])
    .find((found) => found !== undefined && !/[\\/]node_modules[\\/]/.test(found))
  return place === undefined ? '' : ` (at ${place})`
}

function adviceOf(thrown: unknown): string {
  if (isMissingModule(thrown)) return 'Correct the import, or install the package beside the extension.'
  return 'Correct the extension, or take it out of EXTENSION_PATH.'
}

function isParseError(error: Error): boolean {
  return error.message.startsWith('ParseError')
}

function isMissingModule(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
