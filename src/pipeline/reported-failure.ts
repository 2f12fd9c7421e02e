import { reasonOf } from '../lib/error-text.ts'

/** Why a live body broke, thrown on by a source that has reported it: whoever sends the body need not do it again. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'

  constructor(cause: unknown) {
    super(reasonOf(cause), { cause })
  }
}
