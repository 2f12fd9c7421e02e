/** One import or re-export in a source file. */
export interface Import {
  /** What stands between the quotes. */
  readonly specifier: string
  /** True when the whole statement vanishes at run time (`import type`, `export type`). */
  readonly typeOnly: boolean
}

/** What the architecture test needs to know of a source file. */
export interface ScannedSource {
  readonly imports: readonly Import[]
  /** The code without comments, each string literal replaced by `"0"`, `"1"` and so on. */
  readonly code: string
  /** The strings, templates and regular expressions of the code, in their order, with their quotes or slashes. */
  readonly literals: readonly string[]
}

// In this order: comments, strings, templates, and a slash where only a regular expression can begin.
const tokens =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=(?:^|[(,=:[!&|?{};+<>]|=>|\breturn)\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/gm

const statement = /\b(import|export)\s+(type\s+)?(?:[\w$*{}\s,]*?\bfrom\s*)?"(\d+)"|\bimport\s*\(\s*"(\d+)"/g

/**
 * Finds the imports of a TypeScript source without a parser: text in comments, strings, templates and regular
 * expressions cannot be taken for code. Imports in a template's expression, and of a computed name, are not seen.
 */
export function scanSource(source: string): ScannedSource {
  const strings: string[] = []
  const literals: string[] = []
  const code = source.replace(tokens, (token) => {
    if (token.startsWith('//') || token.startsWith('/*')) return ' '
    literals.push(token)
    const quoted = token.startsWith("'") || token.startsWith('"')
    return `"${strings.push(quoted ? token.slice(1, -1) : '') - 1}"`
  })
  const imports = [...code.matchAll(statement)].map(([, , type, fromIndex, callIndex]) => ({
    specifier: strings[Number(fromIndex ?? callIndex)] ?? '',
    typeOnly: type !== undefined,
  }))
  return { imports, code, literals }
}

/** True when the code does nothing but re-export (an empty file does so as well). */
export function reExportsOnly({ code }: ScannedSource): boolean {
  return /^(?:\s|;|export\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*"\d+")*$/.test(code)
}

/** True when the code has a default export in any of its forms. */
export function hasDefaultExport({ code }: ScannedSource): boolean {
  return /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/.test(code)
}
