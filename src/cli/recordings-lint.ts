import { countOf } from '../lib/number-format.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { lintInteraction } from '../recordings/lint-interaction.ts'
import { describeProblem, type RecordingProblem } from '../recordings/recording-problem.ts'
import { findStrayCredential, type RecordingsRun } from './recordings-run.ts'

const strayWarning = (where: string) => ({
  rule: 'credential-outside',
  reason: `a credential stands outside of what is replayed, such as in a comment: ${where}`,
  cure: 'Remove it by hand.',
})

const doubtCure = 'It is not replayed and not looked at for credentials: write it without that.'

/**
 * Prints what is wrong, each with file, line and cure.
 *
 * @throws {OperatorError} RECORDINGS_INVALID when something cannot be replayed; warnings alone are no failure
 */
export function lintRecordings(run: RecordingsRun, paths: readonly string[]): void {
  const files = run.filesOf(paths)
  const warnings: { file: string; line: number; rule: string; reason: string; cure: string }[] = []
  let interactions = 0
  const unclear: RecordingProblem[] = []
  const unread = run.scan(files, (interaction, file, { line, doubts }) => {
    interactions++
    for (const doubt of doubts) unclear.push({ file: run.shown(file), ...doubt, cure: doubtCure })
    for (const warning of lintInteraction(interaction)) {
      warnings.push({ file: run.shown(file), line, ...warning })
    }
  })
  const errors = [...unread, ...unclear]
  const told = new Set(errors.map(({ file }) => file))
  for (const { file, rule } of warnings) if (rule.startsWith('credential')) told.add(file)
  for (const file of files) {
    const name = run.shown(file)
    if (told.has(name)) continue
    const stray = findStrayCredential(file)
    if (stray) warnings.push({ file: name, line: stray.line, ...strayWarning(stray.where) })
  }
  for (const error of errors) run.print(`error    ${describeProblem(error)}`)
  for (const warning of warnings) run.print(`warning  ${describeProblem(warning)} (${warning.rule})`)
  run.print(
    `${files.length} files, ${interactions} interactions that can be replayed, ${errors.length} errors, ${warnings.length} warnings.`,
  )
  run.printJson({ files: files.length, interactions, errors, warnings })
  if (interactions === 0 && errors.length === 0) {
    const looked = paths.length === 0 ? run.settings('dir') : paths.join(', ')
    const others = run.otherFilesOf(paths)
    const seen = others === '' ? 'it has no files' : `it has other files: ${others}`
    throw new OperatorError(
      'RECORDINGS_INVALID',
      `Could not find recordings in ${looked}: nothing in it can be replayed (${seen}). Name a folder of .yaml or .yml files, or such a file.`,
    )
  }
  if (errors.length === 0) return
  throw new OperatorError(
    'RECORDINGS_INVALID',
    `Could not read all recordings: ${countOf(errors.length, 'error')}. Do what is said for each.`,
  )
}
