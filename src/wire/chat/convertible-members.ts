import { types, type Conversion } from '../convert-parameters.ts'
import type { JsonMembers } from '../conversion.ts'
import { anything, oneOf, textOrObject } from '../validation/checks.ts'
import { quotedList, type Check } from '../validation/fault.ts'

// Parts of chat completions requests that the conversions to several APIs read.

/** Members of the definition of a function. */
export const functionMembers = {
  name: types.text,
  description: types.text,
  parameters: types.object,
  strict: types.boolean,
}

/** Members of `response_format.json_schema`. */
export const schemaMembers = {
  name: types.text,
  description: types.text,
  schema: types.object,
  strict: types.boolean,
}

/** Types of `tool_choice` that are objects. */
export const choiceTypes: ReadonlyMap<string, 'function' | 'custom' | 'allowed_tools'> = new Map([
  ['function', 'function'],
  ['custom', 'custom'],
  ['allowed_tools', 'allowed_tools'],
])

/** The check of a choice that is one of some words or an object. */
export function choiceCheck(values: readonly string[]): Check {
  return textOrObject(`one of one of ${quotedList(values, 'or')} or object`, oneOf(...values), anything)
}

/** Reads `stream_options`. */
export function readStreamOptions(value: unknown, conversion: Conversion, body: JsonMembers): JsonMembers {
  const path = 'stream_options'
  const options = conversion.object(value, path)
  conversion.expectStream(body, path)
  conversion.leaveOutOthers(options, path, new Set(['include_usage', 'include_obfuscation']))
  return conversion.members(options, path, {
    include_usage: types.boolean,
    include_obfuscation: types.boolean,
  })
}
