import { countOf } from '../lib/format-text.ts'
import { redacted, redactText } from '../lib/credential-texts.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { RecordedResponse } from '../recordings/interaction.ts'
import { createMatchKeys, type MatchKeys, matchRecorded } from '../recordings/match-request.ts'
import { type AnswerDifference, answerDifference, answerDigest } from '../recordings/answer-difference.ts'
import { createRedactor, type Redactor } from '../recordings/redact-interaction.ts'
import { tellProblems, type RecordingsRun } from './recordings-run.ts'

interface Side {
  readonly place: string
  readonly request: string
  readonly digest: string
}

interface Changed {
  readonly left: Side
  readonly right: Side
}

/**
 * Compares the recordings of two files or folders, request by request, in the order of their recording. Headers and times
 * do not count, for they differ each time.
 *
 * @throws {OperatorError} RECORDINGS_DIFFER when anything differs
 */
export function diffRecordings(run: RecordingsRun, left: string, right: string): void {
  const keys = createMatchKeys(run.settings('match'))
  const ours = read(run, left, keys)
  const theirs = read(run, right, keys)
  const onlyLeft: string[] = []
  const onlyRight: string[] = []
  const changed: Changed[] = []
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a = [], b = []] = [ours.get(key), theirs.get(key)]
    for (let index = 0; index < Math.max(a.length, b.length); index++) {
      const [one, other] = [a[index], b[index]]
      if (!other && one) onlyLeft.push(`${one.place}  ${one.request}`)
      else if (!one && other) onlyRight.push(`${other.place}  ${other.request}`)
      else if (one && other && one.digest !== other.digest) {
        changed.push({ left: one, right: other })
      }
    }
  }
  const details = explain(run, left, right, changed)
  for (const line of onlyLeft) run.print(`only in ${left}  ${line}`)
  for (const line of onlyRight) run.print(`only in ${right}  ${line}`)
  run.printJson({ changed: details, onlyLeft, onlyRight })
  const count = changed.length + onlyLeft.length + onlyRight.length
  if (count === 0) return
  throw new OperatorError(
    'RECORDINGS_DIFFER',
    `${left} and ${right} are not the same: ${countOf(count, 'difference')}.`,
  )
}

/** Answers are not kept while files are compared, so those that differ are read a second time. */
function explain(run: RecordingsRun, left: string, right: string, changed: readonly Changed[]): object[] {
  const redactor = createRedactor(run.settings('redact'))
  const ours = answersAt(run, left, new Set(changed.map((pair) => pair.left.place)))
  const theirs = answersAt(run, right, new Set(changed.map((pair) => pair.right.place)))
  return changed.flatMap(({ left: one, right: other }) => {
    const [was, is] = [ours.get(one.place), theirs.get(other.place)]
    if (!was || !is) return []
    const difference = shownDifference(was, is, redactor)
    run.print(`changed  ${one.place} | ${other.place}  ${one.request}`)
    run.print(`         ${difference.at}: ${difference.was} | ${difference.is}`)
    return [{ left: one.place, right: other.place, request: one.request, ...difference }]
  })
}

/** The first difference without credentials: where the answers differ in one, neither of the two is shown. */
function shownDifference(was: RecordedResponse, is: RecordedResponse, redactor: Redactor): AnswerDifference {
  const [left, right] = [redactor.response(was), redactor.response(is)]
  if (answerDigest(left) !== answerDigest(right)) return answerDifference(left, right)
  return { ...answerDifference(was, is), was: redacted, is: redacted }
}

function answersAt(
  run: RecordingsRun,
  path: string,
  places: ReadonlySet<string>,
): Map<string, RecordedResponse> {
  const answers = new Map<string, RecordedResponse>()
  if (places.size === 0) return answers
  run.scan(run.filesOf([path]), ({ response }, file, { line }) => {
    const place = `${run.shown(file)}:${line}`
    if (places.has(place)) answers.set(place, response)
  })
  return answers
}

function read(run: RecordingsRun, path: string, keys: MatchKeys): Map<string, Side[]> {
  const sides = new Map<string, Side[]>()
  const problems = run.scan(run.filesOf([path]), (interaction, file, { line }) => {
    const match = matchRecorded(interaction.request)
    const { body, bodyHash } = interaction.request
    const key =
      body === undefined && bodyHash !== undefined ? keys.hashKeyOf(match, bodyHash) : keys.keyOf(match)
    const side: Side = {
      place: `${run.shown(file)}:${line}`,
      request: `${match.method} ${redactText(match.path)}`,
      digest: answerDigest(interaction.response),
    }
    const known = sides.get(key)
    if (known) known.push(side)
    else sides.set(key, [side])
  })
  tellProblems(run, problems)
  return sides
}
