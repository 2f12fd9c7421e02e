import type { Random } from '../../lib/random.ts'
import { Budget, drawLimits } from './budget.ts'
import { drawValue } from './draw-value.ts'
import type { Drawing } from './drawing.ts'
import { createMatcher } from './match-schema.ts'
import { RecursionDepth } from './recursion-depth.ts'
import { SchemaDocument } from './schema-document.ts'

/** Maximum attempts to draw a value that matches. The last attempt draws the smallest possible value. */
const MAX_ATTEMPTS = 3

/**
 * Draws a JSON value that matches a JSON schema. Object keys are in the order of `properties`. The value matches if
 * the supported keywords allow it within `drawLimits`; otherwise it is the best one found. Never throws, and the cost
 * does not depend on the size of the schema. Text is printable ASCII, except from `enum`, `const`, `default`,
 * `examples`, `pattern` or a property name.
 */
export function drawJson(schema: unknown, random: Random): unknown {
  const document = new SchemaDocument(schema)
  const recursion = new RecursionDepth(document)
  for (let attempt = 0, isLast = false; ; attempt++) {
    const budget = new Budget(isLast ? drawLimits.finalSteps : drawLimits.steps)
    const drawing = createDrawing(document, recursion, random, budget)
    const value = drawing.draw([schema], { depth: 0, name: '', minimal: isLast })
    const matcher = createMatcher(document, new Budget(drawLimits.finalSteps))
    const fits = drawing.failures === 0 && matcher.matches(schema, value)
    if (fits || isLast || drawing.exceeded) return value
    isLast = budget.spent || attempt === MAX_ATTEMPTS - 2
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
    draw: (schemas, path) => drawValue(drawing, schemas, path),
    fits: (schemas, value) => schemas.every((schema) => matcher.matches(schema, value)),
  }
  return drawing
}
