import type { Random } from '../../lib/random.ts'
import { Budget, drawLimits } from './budget.ts'
import { drawValue } from './draw-value.ts'
import type { Drawing } from './drawing.ts'
import { createMatcher } from './match-schema.ts'
import { RecursionDepth } from './recursion-depth.ts'
import { SchemaDocument } from './schema-document.ts'

/** How often a whole value is drawn until one fits; the last time it is kept as small as it can be. */
const ATTEMPTS = 3

/**
 * Draws a JSON value that fits a JSON schema, the keys of its objects in the order of `properties`. It fits whenever the
 * schema can be met with the supported keywords within `drawLimits`; otherwise it is as near as was found. It never
 * throws, and the schema's size does not change what it costs. Text is printable ASCII unless `enum`, `const`,
 * `default`, `examples`, `pattern` or a property's name says otherwise.
 */
export function drawJson(schema: unknown, random: Random): unknown {
  const document = new SchemaDocument(schema)
  const recursion = new RecursionDepth(document)
  for (let attempt = 0, isLast = false; ; attempt++) {
    const budget = new Budget(isLast ? drawLimits.furtherSteps : drawLimits.steps)
    const drawing = createDrawing(document, recursion, random, budget)
    const value = drawing.draw([schema], { depth: 0, name: '', frugal: isLast })
    const judge = createMatcher(document, new Budget(drawLimits.furtherSteps))
    const fits = drawing.failures === 0 && judge.matches(schema, value)
    if (fits || isLast || drawing.exceeded) return value
    isLast = budget.spent || attempt === ATTEMPTS - 2
  }
}

function createDrawing(
  document: SchemaDocument,
  recursion: RecursionDepth,
  random: Random,
  budget: Budget,
): Drawing {
  const matcher = createMatcher(document, budget)
  const drawing: Drawing = {
    random,
    document,
    budget,
    recursion,
    failures: 0,
    exceeded: false,
    draw: (schemas, place) => drawValue(drawing, schemas, place),
    fits: (schemas, value) => schemas.every((schema) => matcher.matches(schema, value)),
  }
  return drawing
}
