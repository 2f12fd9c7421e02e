import { countOf } from '../lib/format-text.ts'
import { redacted, redactText } from '../lib/credential-texts.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { RecordedResponse } from '../recordings/interaction.ts'
import { createMatchKeys, type MatchKeys, matchRecorded } from '../recordings/match-request.ts'
import { type AnswerDifference, answerDifference, answerDigest } from '../recordings/answer-difference.ts'
import { createRedactor, type Redactor } from '../recordings/redact-interaction.ts'
import { warnOfProblems, type RecordingsRun } from './recordings-run.ts'

interface Side {
  readonly location: string
  readonly request: string
  readonly digest: string
}

interface Changed {
  readonly left: Side
  readonly right: Side
}

/**
 * Compares the recordings of two files or folders, request by request, in recorded order. Ignores headers and times, which differ
 * in each recording.
 *
 * @throws {OperatorError} RECORDINGS_DIFFER if anything differs
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
      if (!other && one) onlyLeft.push(`${one.location}  ${one.request}`)
      else if (!one && other) onlyRight.push(`${other.location}  ${other.request}`)
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
    `${left} and ${right} differ: ${countOf(count, 'difference')}.`,
  )
}

/** Reads answers that differ a second time, because the comparison keeps only their digests. */
function explain(run: RecordingsRun, left: string, right: string, changed: readonly Changed[]): object[] {
  const redactor = createRedactor(run.settings('redact'))
  const ours = answersAt(run, left, new Set(changed.map((pair) => pair.left.location)))
  const theirs = answersAt(run, right, new Set(changed.map((pair) => pair.right.location)))
  return changed.flatMap(({ left: one, right: other }) => {
    const [was, is] = [ours.get(one.location), theirs.get(other.location)]
    if (!was || !is) return []
    const difference = shownDifference(was, is, redactor)
    run.print(`changed  ${one.location} | ${other.location}  ${one.request}`)
    run.print(`         ${difference.at}: ${difference.was} | ${difference.is}`)
    return [{ left: one.location, right: other.location, request: one.request, ...difference }]
  })
}

/** Returns the first difference without credentials. If only credentials differ, both values are redacted. */
function shownDifference(was: RecordedResponse, is: RecordedResponse, redactor: Redactor): AnswerDifference {
  const [left, right] = [redactor.response(was), redactor.response(is)]
  if (answerDigest(left) !== answerDigest(right)) return answerDifference(left, right)
  return { ...answerDifference(was, is), was: redacted, is: redacted }
}

function answersAt(
  run: RecordingsRun,
  path: string,
  locations: ReadonlySet<string>,
): Map<string, RecordedResponse> {
  const answers = new Map<string, RecordedResponse>()
  if (locations.size === 0) return answers
  run.scan(run.filesOf([path]), ({ response }, file, { line }) => {
    const location = `${run.shown(file)}:${line}`
    if (locations.has(location)) answers.set(location, response)
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
      location: `${run.shown(file)}:${line}`,
      request: `${match.method} ${redactText(match.path)}`,
      digest: answerDigest(interaction.response),
    }
    const known = sides.get(key)
    if (known) known.push(side)
    else sides.set(key, [side])
  })
  warnOfProblems(run, problems)
  return sides
}
