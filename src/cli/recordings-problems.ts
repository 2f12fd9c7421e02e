import { describeProblem, type RecordingProblem } from '../recordings/recording-problem.ts'
import type { RecordingsRun } from './recordings-run.ts'

/** Tells on standard error what could not be read, so that a list does not look complete when it is not. */
export function tellProblems(run: RecordingsRun, problems: readonly RecordingProblem[]): void {
  for (const problem of problems) run.tell(describeProblem(problem))
}
