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
