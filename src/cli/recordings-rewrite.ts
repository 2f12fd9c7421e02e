import { createMatchKeys, matchRecorded } from '../recordings/match-request.ts'
import { queryVariant, RecordingIndex } from '../recordings/recording-index.ts'
import { rewriteFile } from '../recordings/rewrite-file.ts'
import { answerDigest } from '../recordings/answer-difference.ts'
import { countPlain, warnOfProblems, type RecordingsRun, findStrayCredential } from './recordings-run.ts'
import { reasonOf } from '../lib/error-text.ts'
import { unsearchedPart } from '../recordings/lint-interaction.ts'
import { isPlaceholder } from '../lib/placeholders.ts'
import { createRedactor } from '../recordings/redact-interaction.ts'
import type { YamlProblem } from '../recordings/yaml-full-reader.ts'
import { serializeInteraction } from '../recordings/yaml-format.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { countOf } from '../lib/format-text.ts'

interface Seen {
  readonly location: string
  readonly answer: string
}

/**
 * Removes interactions that repeat the request and the answer of an earlier one. Replay stays on the last answer, so repeats at the
 * end of a request's recordings do not affect it. Other repeats are removed only with `all`.
 */
export function dedupeRecordings(
  run: RecordingsRun,
  paths: readonly string[],
  { dryRun, all }: { readonly dryRun: boolean; readonly all: boolean },
): void {
  const files = run.filesOf(paths)
  const index = new RecordingIndex(createMatchKeys(run.settings('match')))
  const recordings = new Map<string, Seen[]>()
  // With MATCH_NORMALIZE, replay prefers the recordings with the exact request.
  const exactRecordings = new Map<string, Seen[]>()
  const problems = run.scan(files, (interaction, file, { line, offset }) => {
    const { entry } = index.prepare(interaction, { file, line, source: interaction })
    const { query, apiVersion } = queryVariant(matchRecorded(interaction.request).query)
    const location = `${file}:${line}:${offset}:${interaction.request.uri}`
    const seen = { location, answer: answerDigest(interaction.response) }
    addSeen(recordings, `${entry.key}\n${query}\n${apiVersion}`, seen)
    if (entry.exactKey !== undefined) {
      addSeen(exactRecordings, `${entry.exactKey}\n${query}\n${apiVersion}`, seen)
    }
  })
  warnOfProblems(run, problems)
  const unreadable = new Set(problems.filter(({ isUnreadable }) => isUnreadable).map(({ file }) => file))

  const repeated = [...recordings.values()].flatMap((seen) => repeats(seen, all))
  const exactlyRepeated = new Set([...exactRecordings.values()].flatMap((seen) => repeats(seen, all)))
  const dropped = new Set(
    index.keys.exactKeyOf ? repeated.filter((location) => exactlyRepeated.has(location)) : repeated,
  )
  const removed: string[] = []
  for (const file of files) {
    if (unreadable.has(run.shown(file))) continue
    const rewrite = rewriteFile(
      file,
      (interaction, { line, offset }) => {
        if (!dropped.has(`${file}:${line}:${offset}:${interaction.request.uri}`)) return 'keep'
        removed.push(`${run.shown(file)}:${line}`)
        return 'drop'
      },
      dryRun,
    )
    if (rewrite.refusal !== undefined) run.warn(`${run.shown(file)} is unchanged: ${rewrite.refusal}.`)
  }
  for (const location of removed) run.print(`${location}  repeats an answer`)
  run.print(`${countPlain(removed.length, 'interaction')} ${dryRun ? 'would be removed' : 'removed'}.`)
  run.printJson({ removed, dryRun })
}

function addSeen(recordings: Map<string, Seen[]>, name: string, seen: Seen): void {
  const others = recordings.get(name)
  if (others) others.push(seen)
  else recordings.set(name, [seen])
}

function repeats(seen: readonly Seen[], all: boolean): string[] {
  if (all) {
    const answers = new Set<string>()
    return seen
      .filter(({ answer }) => answers.size === answers.add(answer).size)
      .map(({ location }) => location)
  }
  let last = seen.length - 1
  while (last > 0 && seen[last - 1]?.answer === seen[last]?.answer) last--
  return seen.slice(last + 1).map(({ location }) => location)
}

/**
 * Removes credentials, and the items in RECORDING_REDACT, from recording files.
 *
 * @throws {OperatorError} RECORDINGS_INVALID if a file could not be cleaned
 */
export function scrubRecordings(
  run: RecordingsRun,
  paths: readonly string[],
  { dryRun }: { readonly dryRun: boolean },
): void {
  const redactor = createRedactor(run.settings('redact'), { onFound: (_, value) => !isPlaceholder(value) })
  const scrubbed: string[] = []
  const refused: { file: string; reason: string }[] = []
  for (const file of run.filesOf(paths)) {
    const found: string[] = []
    const unclear: YamlProblem[] = []
    const unsearched: string[] = []
    try {
      const { refusal, problems } = rewriteFile(
        file,
        (interaction, { line, parseWarnings }) => {
          if (parseWarnings.length > 0) {
            unclear.push(...parseWarnings)
            return 'keep'
          }
          if (unsearchedPart(interaction)) unsearched.push(`line ${line}`)
          const clean = redactor.interaction(interaction)
          if (serializeInteraction(clean) === serializeInteraction(interaction)) return 'keep'
          found.push(`${run.shown(file)}:${line}`)
          return clean
        },
        dryRun,
      )
      if (refusal === undefined) scrubbed.push(...found)
      else refused.push({ file: run.shown(file), reason: refusal })
      for (const { line, reason } of problems) {
        run.warn(`${run.shown(file)}:${line} is invalid and unchanged: ${reason}.`)
      }
      if (refusal === undefined && problems.length > 0) {
        refused.push({ file: run.shown(file), reason: 'invalid parts are unchanged' })
      }
      if (unclear.length > 0) {
        const first = unclear.slice(0, 3).map(({ line, reason }) => `line ${line}: ${reason}`)
        const reason = `interactions that are only partly supported are unchanged (${first.join('; ')})`
        refused.push({ file: run.shown(file), reason })
      }
      if (unsearched.length > 0) {
        const reason = `compressed bodies were not searched (${unsearched.slice(0, 3).join(', ')})`
        refused.push({ file: run.shown(file), reason })
      }
      const isDone = refusal === undefined && problems.length === 0 && unclear.length === 0
      const stray = isDone && !(dryRun && found.length > 0) ? findStrayCredential(file) : undefined
      if (stray) {
        const reason = `line ${stray.line}: a credential is outside of the interactions, for example in a comment: ${stray.where}`
        refused.push({ file: run.shown(file), reason })
      }
    } catch (error) {
      refused.push({ file: run.shown(file), reason: reasonOf(error) })
    }
  }
  for (const location of scrubbed) run.print(`${location}  ${dryRun ? 'contains secrets' : 'cleaned'}`)
  run.print(`${countPlain(scrubbed.length, 'interaction')} ${dryRun ? 'would be cleaned' : 'cleaned'}.`)
  run.printJson({ scrubbed, refused, dryRun })
  if (refused.length === 0) return
  const list = refused.map(({ file, reason }) => `\n  ${file}: ${reason}`).join('')
  throw new OperatorError(
    'RECORDINGS_INVALID',
    `Could not clean ${countOf(refused.length, 'file')}. Fix them by hand:${list}`,
  )
}
