import { description, functionName, MAX_TOOLS, schema } from '../chat/validate-chat-tools.ts'
import {
  arrayOf,
  anything,
  boolean,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
  type Field,
} from '../validation/checks.ts'
import type { Check } from '../validation/fault.ts'

const hosted = (...fields: readonly Field[]): Check =>
  objectOf([required('type', anything), ...fields], 'ignore')

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
const computer = hosted(required('display_width', anything), required('display_height', anything))
const texts = arrayOf(text(), { expected: 'an array of strings' })

const toolChecks: ReadonlyMap<string, Check> = new Map([
  ['apply_patch', hosted()],
  ['code_interpreter', hosted(required('container', anything))],
  ['computer', hosted()],
  ['computer_use_preview', computer],
  ['custom', customTool],
  ['file_search', hosted(required('vector_store_ids', texts))],
  ['function', functionTool],
  ['image_generation', hosted()],
  ['local_shell', hosted()],
  ['mcp', hosted(required('server_label', text()))],
  ['namespace', hosted(required('name', functionName), required('tools', namespaceTools))],
  ['programmatic_tool_calling', hosted()],
  ['shell', hosted()],
  ['tool_search', hosted()],
  ['web_search', hosted()],
  ['web_search_2025_08_26', hosted()],
  ['web_search_preview', hosted()],
  ['web_search_preview_2025_03_11', hosted()],
])

/** Types of tools. */
export const responsesToolTypes: ReadonlySet<string> = new Set(toolChecks.keys())

/** `tools`. Functions have their name on the tool itself, unlike in chat completions. */
export const responsesTools = arrayOf(variantsOf('type', toolChecks), {
  expected: 'an array of objects',
  max: MAX_TOOLS,
})
