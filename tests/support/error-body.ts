import { wireFormatOf } from '../../src/wire/envelopes.ts'
import type { ServiceError } from '../../src/wire/errors.ts'

/** The body of an error as clients of OpenAI's format read it; `{}` where there is no error. */
export function errorBody(error: ServiceError | undefined): string {
  return error ? wireFormatOf(undefined).writeError(error, '').body : '{}'
}
