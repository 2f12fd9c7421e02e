/** Text as one word of a POSIX shell, whatever stands in it. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The same in lines of about `width` columns, which the shell joins again. */
export function inPieces(text: string, width: number): string {
  const pieces = text.match(new RegExp(`[^]{1,${width}}`, 'gu')) ?? ['']
  return pieces.map(shellWord).join('\\\n')
}
