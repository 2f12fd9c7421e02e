import { createMatchKeys } from '../recordings/match-key.ts'
import { queryVariant } from '../recordings/query-variant.ts'
import { matchRecorded } from '../recordings/match-request.ts'
import { RecordingIndex } from '../recordings/recording-index.ts'
import { rewriteFile } from '../recordings/rewrite-file.ts'
import { answerDigest } from '../recordings/answer-difference.ts'
import { tellProblems } from './recordings-problems.ts'
import type { RecordingsRun } from './recordings-run.ts'

interface Seen {
  readonly place: string
  readonly answer: string
}

/**
 * Removes interactions whose request and answer were recorded before. Since replay stays on the last answer, repeats at
 * the end of a request's recordings change nothing; others are removed only with `all`.
 */
export function dedupeRecordings(
  run: RecordingsRun,
  paths: readonly string[],
  { dryRun, all }: { readonly dryRun: boolean; readonly all: boolean },
): void {
  const files = run.filesOf(paths)
  const index = new RecordingIndex(createMatchKeys(run.settings('match')))
  const recordings = new Map<string, Seen[]>()
  const problems = run.scan(files, (interaction, file, { line, offset }) => {
    const { entry } = index.prepare(interaction, { file, line, source: interaction })
    const { query, apiVersion } = queryVariant(matchRecorded(interaction.request).query)
    const name = `${entry.key}\n${query}\n${apiVersion}`
    const seen = recordings.get(name) ?? []
    recordings.set(name, seen)
    seen.push({
      place: `${file}:${line}:${offset}:${interaction.request.uri}`,
      answer: answerDigest(interaction.response),
    })
  })
  tellProblems(run, problems)
  const unreadable = new Set(problems.filter(({ isUnreadable }) => isUnreadable).map(({ file }) => file))

  const dropped = new Set([...recordings.values()].flatMap((seen) => repeats(seen, all)))
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
    if (rewrite.refusal !== undefined) run.tell(`${run.shown(file)} is left as it is: ${rewrite.refusal}.`)
  }
  for (const place of removed) run.print(`${place}  repeats an answer`)
  run.print(`${removed.length} interactions ${dryRun ? 'would be removed' : 'removed'}.`)
  run.printJson({ removed, dryRun })
}

function repeats(seen: readonly Seen[], all: boolean): string[] {
  if (all) {
    const answers = new Set<string>()
    return seen.filter(({ answer }) => answers.size === answers.add(answer).size).map(({ place }) => place)
  }
  let last = seen.length - 1
  while (last > 0 && seen[last - 1]?.answer === seen[last]?.answer) last--
  return seen.slice(last + 1).map(({ place }) => place)
}
