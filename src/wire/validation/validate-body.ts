import { malformedJson, type ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { faultError, isObject, type Check, type Fault, type JsonObject } from './fault.ts'

/** A rule between fields, or between a field and the model. It sees a body whose fields are valid each for itself. */
export type Rule = (body: JsonObject, model: Model) => Fault | undefined

/** Checks a body: its fields, then the rules in their order, then what the fields left for last. */
export function validateBody(
  body: unknown,
  fields: Check,
  rules: readonly Rule[],
  model: Model,
): ServiceError | undefined {
  // A body of `[]` or `"x"` is valid JSON, yet nothing of a request; the service's words for it are not captured.
  if (!isObject(body)) return malformedJson()
  const fault = fields(body)
  if (fault !== undefined && fault.last !== true) return faultError(fault)
  for (const rule of rules) {
    const broken = rule(body, model)
    if (broken !== undefined) return faultError(broken)
  }
  return fault && faultError(fault)
}
