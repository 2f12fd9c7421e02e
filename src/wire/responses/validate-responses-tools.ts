import { description, functionName, MAX_TOOLS, schema } from '../chat/validate-chat-tools.ts'
import { arrayOf, anything, boolean, objectOf, optional, required, variantsOf } from '../validation/checks.ts'
import { hostedTools } from './validate-hosted-tools.ts'
import type { Check } from '../validation/fault.ts'

const functionTool = objectOf(
  [
    required('type', anything),
    required('name', functionName),
    optional('description', description),
    optional('parameters', schema),
    optional('strict', boolean),
    optional('defer_loading', boolean),
  ],
  'ignore',
)
const customTool = objectOf([
  required('type', anything),
  required('name', functionName),
  optional('description', description),
  optional('format', schema),
  optional('defer_loading', boolean),
  optional('allowed_callers', anything),
])
const namespaceTools = arrayOf(
  variantsOf(
    'type',
    new Map([
      ['custom', customTool],
      ['function', functionTool],
    ]),
  ),
  { expected: 'an array of objects' },
)
const namespace = objectOf(
  [required('type', anything), required('name', functionName), required('tools', namespaceTools)],
  'ignore',
)

const clientTools: readonly (readonly [type: string, check: Check])[] = [
  ['custom', customTool],
  ['function', functionTool],
  ['namespace', namespace],
]

/** In the order of the types in the error for an unknown one. */
const toolChecks: ReadonlyMap<string, Check> = new Map(
  [...hostedTools, ...clientTools].toSorted(([a], [b]) => (a < b ? -1 : 1)),
)

/** Types of tools. */
export const responsesToolTypes: ReadonlySet<string> = new Set(toolChecks.keys())

/** `tools`. Functions have their name on the tool itself, unlike in chat completions. */
export const responsesTools = arrayOf(variantsOf('type', toolChecks), {
  expected: 'an array of objects',
  max: MAX_TOOLS,
})
