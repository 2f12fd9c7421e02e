import { OperatorError } from '../lib/operator-error.ts'

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
