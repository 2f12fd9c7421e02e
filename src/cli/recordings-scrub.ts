import { reasonOf } from '../lib/error-text.ts'
import { createRedactor } from '../recordings/redact-interaction.ts'
import { rewriteFile } from '../recordings/rewrite-file.ts'
import type { YamlFault } from '../recordings/yaml-full-reader.ts'
import { serialiseInteraction } from '../recordings/yaml-format.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { findStrayCredential, type RecordingsRun } from './recordings-run.ts'

/**
 * Takes credentials, and what RECORDING_REDACT names, out of recording files.
 *
 * @throws {OperatorError} RECORDINGS_INVALID when a file could not be cleaned
 */
export function scrubRecordings(
  run: RecordingsRun,
  paths: readonly string[],
  { dryRun }: { readonly dryRun: boolean },
): void {
  const redactor = createRedactor(run.settings('redact'))
  const scrubbed: string[] = []
  const refused: { file: string; reason: string }[] = []
  for (const file of run.filesOf(paths)) {
    const found: string[] = []
    const unclear: YamlFault[] = []
    try {
      const { refusal, problems } = rewriteFile(
        file,
        (interaction, { line, doubts }) => {
          if (doubts.length > 0) {
            unclear.push(...doubts)
            return 'keep'
          }
          const clean = redactor.interaction(interaction)
          if (serialiseInteraction(clean) === serialiseInteraction(interaction)) return 'keep'
          found.push(`${run.shown(file)}:${line}`)
          return clean
        },
        dryRun,
      )
      if (refusal === undefined) scrubbed.push(...found)
      else refused.push({ file: run.shown(file), reason: refusal })
      for (const { line, reason } of problems) {
        run.tell(`${run.shown(file)}:${line} cannot be read and is left as it is: ${reason}.`)
      }
      if (refusal === undefined && problems.length > 0) {
        refused.push({ file: run.shown(file), reason: `parts that cannot be read are left as they are` })
      }
      if (unclear.length > 0) {
        const first = unclear.slice(0, 3).map(({ line, reason }) => `line ${line}: ${reason}`)
        const reason = `interactions that are not understood in full are left as they are (${first.join('; ')})`
        refused.push({ file: run.shown(file), reason })
      }
      const isDone = refusal === undefined && problems.length === 0 && unclear.length === 0
      const stray = isDone && !(dryRun && found.length > 0) ? findStrayCredential(file) : undefined
      if (stray) {
        const reason = `line ${stray.line}: a credential stands outside of what is replayed, such as in a comment: ${stray.where}`
        refused.push({ file: run.shown(file), reason })
      }
    } catch (error) {
      refused.push({ file: run.shown(file), reason: reasonOf(error) })
    }
  }
  for (const place of scrubbed) run.print(`${place}  ${dryRun ? 'holds secrets' : 'cleaned'}`)
  run.print(`${scrubbed.length} interactions ${dryRun ? 'would be cleaned' : 'cleaned'}.`)
  run.printJson({ scrubbed, refused, dryRun })
  if (refused.length === 0) return
  const list = refused.map(({ file, reason }) => `\n  ${file}: ${reason}`).join('')
  throw new OperatorError(
    'RECORDINGS_INVALID',
    `Could not clean ${refused.length} files. Mend them first:${list}`,
  )
}
