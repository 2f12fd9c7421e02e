import { createRequire } from 'node:module'
import type * as Yaml from 'yaml'
import type { Document, DocumentOptions, ParseOptions, Parser, SchemaOptions } from 'yaml'
import { redactText } from '../lib/credential-texts.ts'

const require = createRequire(import.meta.url)
let loadedYaml: typeof Yaml | undefined

/** The package `yaml`. The first call loads it, which takes 40 ms of CPU; most starts do not need it. */
export function yaml(): typeof Yaml {
  loadedYaml ??= require('yaml') as typeof Yaml
  return loadedYaml
}

/** A syntax error in a YAML text. */
export interface YamlSyntaxError {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** A sentence in one line, without a full stop at its end. */
  readonly reason: string
}

/** The document of a text, or its first errors. */
export type YamlParse =
  | { readonly document: Document.Parsed }
  | { readonly errors: readonly [YamlSyntaxError, ...YamlSyntaxError[]] }

/** Maximum nesting depth. Files of this program need fewer levels, and the parser of `yaml` fails at about 800. */
export const MAX_YAML_DEPTH = 200

/** Maximum number of lexemes. Each takes about 2 microseconds and 300 bytes. */
const MAX_LEXEMES = 2_000_000

/** Further errors are most often consequences of the first ones. */
const MAX_ERRORS = 20

/**
 * Parses a text with one YAML document in linear time for any input.
 *
 * `parseDocument` of `yaml` is not used: it creates an excerpt for each error, which takes quadratic time, and overflows the stack
 * on deep nesting.
 *
 * @param maxLexemes limits time and memory
 */
export function parseYaml(
  source: string,
  options: ParseOptions & DocumentOptions & SchemaOptions,
  maxLexemes = MAX_LEXEMES,
): YamlParse {
  const { Composer } = yaml()
  const composer = new Composer({ ...options, prettyErrors: false, uniqueKeys: false })
  let document: Document.Parsed | undefined
  // Each error captures a stack trace, which takes most of the time for a text with many errors.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    for (const composed of composer.compose(boundedTokens(source, maxLexemes), true, source.length)) {
      document ??= composed
      if (document !== composed)
        throw new SyntaxFailure(composed.range[0], 'a second document starts here, and only one is supported')
    }
  } catch (error) {
    if (!(error instanceof SyntaxFailure)) throw error
    return { errors: [errorAt(source, error.offset, error.message)] }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  if (document === undefined) throw new Error('The composer of yaml returned no document.')
  const [first, ...rest] = document.errors
    .slice(0, MAX_ERRORS)
    .map(({ pos, message }) => errorAt(source, pos[0], message.split('\n')[0] ?? ''))
  return first ? { errors: [first, ...rest] } : { document }
}

/** Converts an offset in a text to a line and a column, both from 1. */
export function lineAndColumn(
  source: string,
  offset: number,
): { readonly line: number; readonly column: number } {
  let line = 1
  let start = 0
  for (let at = source.indexOf('\n'); at >= 0 && at < offset; at = source.indexOf('\n', start)) {
    line++
    start = at + 1
  }
  return { line, column: offset - start + 1 }
}

class SyntaxFailure extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

function errorAt(source: string, offset: number, reason: string): YamlSyntaxError {
  return { ...lineAndColumn(source, Math.max(0, offset)), reason: redactText(reason).slice(0, 200) }
}

/** Yields the tokens of a text. Throws a `SyntaxFailure` at the first error, at too deep nesting, or after too many lexemes. */
function* boundedTokens(source: string, maxLexemes: number) {
  const { Lexer, Parser } = yaml()
  const parser = new Parser()
  let lexemes = 0
  for (const lexeme of new Lexer().lex(source)) {
    yield* withoutErrors(parser.next(lexeme))
    if (parser.stack.length > MAX_YAML_DEPTH)
      throw new SyntaxFailure(parser.offset, `it is nested deeper than ${MAX_YAML_DEPTH} levels`)
    if (++lexemes > maxLexemes)
      throw new SyntaxFailure(parser.offset, `it has more than ${maxLexemes} lexemes`)
  }
  yield* withoutErrors(parser.end())
}

function* withoutErrors(tokens: ReturnType<Parser['next']>) {
  for (const token of tokens) {
    if (token.type === 'error') throw new SyntaxFailure(token.offset, token.message)
    yield token
  }
}
