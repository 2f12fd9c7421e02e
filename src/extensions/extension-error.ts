import { OperatorError } from '../lib/operator-error.ts'

/** Location of an error in an extension. */
export interface ExtensionPart {
  /** The extension's name. */
  readonly extension: string
  /** Its path in messages. */
  readonly source: string
  /** The function, such as `hook 2 (addDelay)`. */
  readonly part: string
}

/** An error in an extension during a request. Its stack includes that of the cause, because the log has only one stack. */
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

/** Wraps a value that a function of an extension threw, which can be any value. */
export function wrapExtensionError(extensionPart: ExtensionPart, thrown: unknown): ExtensionError {
  const what = thrown instanceof Error ? thrown.message : `it threw ${String(thrown)}`
  return new ExtensionError(extensionPart, what, { cause: thrown })
}

/** Describes a value for a message. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Promise) return 'a promise'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

/**
 * Creates the error for an extension that failed while it was loaded.
 *
 * @param source its path in messages
 * @param what what failed
 * @param thrown the thrown value; the message contains its message and its location in the files of the extension
 */
export function loadFailure(source: string, what: string, thrown: unknown): OperatorError {
  return new OperatorError(
    'EXTENSION_INVALID',
    `Could not load the extension ${source}: ${what}: ${reasonOf(thrown)}${locationOf(thrown)}. ${adviceOf(thrown)}`,
    { cause: thrown },
  )
}

/** Returns the message in one line. For a missing module, Node.js lists the importing files. Names only the direct importer. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const importer = /\nRequire stack:\n- (.+)/.exec(thrown.message)?.[1]
  const text = thrown.message.replace(/\nRequire stack:[\s\S]*/, '')
  const inOneLine = text.replaceAll(/\s*\n\s*/g, ' ').trim()
  const from = importer === undefined ? '' : `, imported from ${importer}`
  return `${inOneLine}${from}`.replace(/\.$/, '')
}

/** Returns the first location in the stack that is not in Node.js or in a package. */
function locationOf(thrown: unknown): string {
  if (!(thrown instanceof Error) || isMissingModule(thrown) || isParseError(thrown)) return ''
  const frames = (thrown.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  const location = frames
    .map((line) => /\(?(?:file:\/\/)?((?:\/|[A-Za-z]:[\\/])[^()]*:\d+:\d+)\)?$/.exec(line)?.[1])
    .find((found) => found !== undefined && !/[\\/]node_modules[\\/]/.test(found))
  return location === undefined ? '' : ` (at ${location})`
}

function adviceOf(thrown: unknown): string {
  if (isMissingModule(thrown))
    return 'Correct the import, or install the package in the folder of the extension.'
  return 'Correct the extension, or remove it from EXTENSION_PATH.'
}

function isParseError(error: Error): boolean {
  return error.message.startsWith('ParseError')
}

function isMissingModule(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND'
}
