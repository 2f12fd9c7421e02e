/** Where the list of interactions begins in a file. */
export interface FileLayout {
  /** The bytes in front of the first list item. */
  readonly headBytes: number
  /** How far the dashes of the items are indented. */
  readonly indent: number
  /** The keys in front of the list, and the file's comments. */
  readonly head: string
}

/** The comment that a file begins with which is only appended to. */
const appendMark = /^\ufeff?# aoai-sim recording\b/

/** Whether this simulator wrote the file, each item of which then ends with `context_values`. */
export function isAppended({ head }: FileLayout): boolean {
  return appendMark.test(head)
}

/**
 * Finds the list in the first part of a file: plain keys on a line each, then `interactions:` and items that begin with a
 * dash. Undefined for any other layout, which is left to the full parser.
 */
export function findLayout(start: Buffer): FileLayout | undefined {
  const text = start.toString('latin1')
  const match =
    /^(?:\xef\xbb\xbf)?(?:(?:#.*|---[ \t]*|[A-Za-z_]\w*: *[^\s&*!|>{[#].*|[ \t]*)\r?\n)*?interactions:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*( *)(?=-(?: |\r?\n))/.exec(
      text,
    )
  if (!match) return undefined
  const [head, indent = ''] = match
  const headBytes = head.length - indent.length
  return { headBytes, indent: indent.length, head: start.toString('utf8', 0, headBytes) }
}
