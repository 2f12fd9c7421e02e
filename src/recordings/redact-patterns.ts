import { createContext, Script } from 'node:vm'
import { redacted } from '../lib/credential-texts.ts'

/**
 * How long the patterns of one text may run, in milliseconds. They are checked against exponential time when they are
 * configured; this bounds what is left, such as two repetitions in a row over a long text.
 */
const budgetMs = 250

/** The patterns could not be applied to a text in time, so that nobody knows what it holds. */
export class RedactionTooSlow extends Error {
  override readonly name = 'RedactionTooSlow'
}

/**
 * Makes a function that replaces what patterns find.
 *
 * @param sources regular expressions; the flags are `g` and `u`
 */
export function createPatternRedactor(sources: readonly string[]): (text: string) => string {
  if (sources.length === 0) return (text) => text
  // Only a context of its own can be stopped in the middle of a regular expression.
  const context = createContext({
    text: '',
    patterns: sources.map((source) => new RegExp(source, 'gu')),
    redacted,
  })
  const script = new Script('patterns.reduce((rest, pattern) => rest.replace(pattern, redacted), text)')
  return (text) => {
    context['text'] = text
    try {
      return String(script.runInContext(context, { timeout: budgetMs }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      throw new RedactionTooSlow(
        `RECORDING_REDACT took more than ${budgetMs} ms on one body. Simplify its patterns.`,
      )
    } finally {
      context['text'] = ''
    }
  }
}
