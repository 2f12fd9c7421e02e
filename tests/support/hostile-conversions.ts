import { isDeepStrictEqual } from 'node:util'
import { createRandom } from '../../src/lib/random.ts'
import { isRecord } from '../../src/lib/record.ts'
import type { Converted, JsonMembers } from '../../src/wire/conversion.ts'
import { errorBody } from './error-body.ts'
import { jsonText, mutateJson, someOf } from './mutate-json.ts'

/** A conversion of requests that is tried with changed bodies. */
interface TriedConversion {
  readonly seed: string
  /** A body with all parameters. */
  readonly everything: JsonMembers
  readonly convert: (body: JsonMembers) => Converted
  /** Whether the API of the client accepts the body. */
  readonly isValid: (body: unknown) => boolean
  /** What is lost when a valid body is converted and converted back. */
  readonly lossesOf: (body: JsonMembers, converted: JsonMembers) => readonly unknown[]
}

/**
 * Converts 3,000 bodies with changed parameters and values, also values that are nested too deep. Returns the bodies with a wrong
 * result, and how many were converted, refused and valid.
 */
export function tryHostileBodies({ seed, everything, convert, isValid, lossesOf }: TriedConversion) {
  const random = createRandom(seed)
  const kinds = { converted: 0, refused: 0, valid: 0 }
  const problems: unknown[] = []
  for (let round = 0; round < 3_000; round++) {
    let body: unknown = someOf(everything, random)
    for (let change = random.below(4); change > 1; change--) body = mutateJson(body, random)
    body = JSON.parse(jsonText(body))
    const there = convert(body as JsonMembers)
    kinds[there.kind]++
    if (there.kind === 'refused') {
      if (there.error.status !== 400 || !isRecord(JSON.parse(errorBody(there.error)))) problems.push(body)
      continue
    }
    if (!isDeepStrictEqual(JSON.parse(JSON.stringify(there.body)), there.body)) problems.push(body)
    if (!isValid(body)) continue
    kinds.valid++
    problems.push(...lossesOf(body as JsonMembers, there.body))
  }
  return { problems, kinds }
}
