import { between } from './random-picks.ts'
import { BranchChooser, nullOnceIn } from './branch-chooser.ts'
import { drawArray } from './draw-array.ts'
import { drawLimits, frugalFrom } from './draw-limits.ts'
import { drawNumber } from './draw-number.ts'
import { drawObject } from './draw-object.ts'
import { drawString } from './draw-string.ts'
import type { Drawing, Place } from './drawing.ts'
import { flatten, type Shape } from './facets.ts'
import type { JsonType } from './json-schema.ts'
import { drawHint, drawListed, listedValues } from './known-values.ts'
import { valueTypes } from './value-types.ts'

/** How often one value is drawn, each time with other branches, before it counts as impossible. */
const MOST_ATTEMPTS = 16
/** How often at least where a keyword is met by luck (`not`, `oneOf`, ...). */
const ATTEMPTS_WITH_CHECK = 8

/** Draws a value that fits all of the schemas; where it finds none, counts a failure and gives what it has. */
export function drawValue(drawing: Drawing, schemas: readonly unknown[], place: Place): unknown {
  const { budget, document } = drawing
  const failuresBefore = drawing.failures
  const outOfRoom = ++budget.values > drawLimits.values || place.depth > drawLimits.depth
  if (outOfRoom || !budget.spend(6)) {
    drawing.failures++
    drawing.exceeded ||= outOfRoom
    return null
  }
  const isLarge = place.depth >= frugalFrom.depth || budget.values >= frugalFrom.values
  const frugal = place.frugal || isLarge
  const chooser = new BranchChooser(drawing, frugal)
  const mark = budget.mark()
  let value: unknown
  let attempts = 1
  for (let attempt = 0; attempt < attempts; attempt++) {
    chooser.begin(attempt)
    const shape = flatten(schemas, (branches) => chooser.choose(branches), document, budget)
    if (attempt === 0) {
      const combinations = chooser.combinations
      attempts = Math.min(MOST_ATTEMPTS, combinations)
      if (shape.needsCheck)
        attempts = Math.min(MOST_ATTEMPTS, Math.max(ATTEMPTS_WITH_CHECK, combinations * 3))
    }
    drawing.failures = failuresBefore
    budget.reset(mark)
    const isLate = attempt * 2 > attempts && attempt % 2 === 1
    value = drawShape(drawing, shape, { ...place, frugal: frugal || isLate })
    const drawn = drawing.failures === failuresBefore
    if (drawn && (!shape.needsCheck || drawing.fits(schemas, value))) return value
    if (budget.spent || (drawing.exceeded && chooser.combinations === 1)) break
    drawing.exceeded = attempt + 1 === attempts && drawing.exceeded
  }
  drawing.failures = failuresBefore + 1
  return value
}

function drawShape(drawing: Drawing, { facets, impossible }: Shape, place: Place): unknown {
  const listed = listedValues(facets)
  const known = listed ? drawListed(drawing, facets, listed) : drawHint(drawing, facets)
  if (known) return known.value
  const types = valueTypes(facets)
  if (listed || impossible || types.length === 0) {
    drawing.failures++
    return null
  }
  return drawOfType(
    drawing,
    { facets, impossible, needsCheck: false },
    place,
    pickType(drawing, types, place),
  )
}

/** Null seldom, and of several types the plainest where the value is to be small. */
function pickType({ random }: Drawing, types: readonly JsonType[], { frugal }: Place): JsonType {
  if (frugal && types.includes('null')) return 'null'
  const others = types.filter((type) => type !== 'null')
  if (others.length === 0 || (others.length < types.length && random.below(nullOnceIn) === 0)) return 'null'
  const plain = others.filter((type) => type !== 'object' && type !== 'array')
  const usable = frugal && plain.length > 0 ? plain : others
  return usable[between(random, 0, usable.length - 1)] ?? 'null'
}

function drawOfType(drawing: Drawing, shape: Shape, place: Place, type: JsonType): unknown {
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return drawing.random.below(2) === 1
    case 'integer':
    case 'number':
      return drawNumber(drawing, shape.facets, type === 'integer', place.name)
    case 'string':
      return drawString(drawing, shape.facets, place)
    case 'array':
      return drawArray(drawing, shape.facets, place)
    default:
      return drawObject(drawing, shape.facets, place)
  }
}
