import { isRecord } from '../../lib/record.ts'
import { description, functionName, MAX_TOOLS, schema } from '../chat/validate-chat-tools.ts'
import {
  arrayOf,
  anything,
  boolean,
  oneOf,
  text,
  objectOf,
  optional,
  required,
  variantsOf,
  textOrObject,
  type Field,
} from '../validation/checks.ts'
import { missing, prefixPath, wrongType, type Check } from '../validation/fault.ts'

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

/** `tools`. Functions have their name on the tool itself, unlike in chat completions. */
export const responsesTools = arrayOf(
  variantsOf(
    'type',
    new Map([
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
    ]),
  ),
  { expected: 'an array of objects', max: MAX_TOOLS },
)

const named = objectOf([required('type', anything), required('name', functionName)])
const allowedTools = objectOf([
  required('type', anything),
  required('mode', oneOf('auto', 'required')),
  required('tools', arrayOf(schema, { expected: 'an array of objects' })),
])
const chosenTools: ReadonlyMap<string, Check> = new Map([
  ['function', named],
  ['custom', named],
  ['allowed_tools', allowedTools],
])

const chosenTool: Check = (value) => {
  if (!isRecord(value)) return wrongType('an object', value)
  const { type } = value
  if (type === undefined) return missing('.type')
  if (typeof type !== 'string') return prefixPath('.type', wrongType('a string', type))
  return chosenTools.get(type)?.(value)
}

/** `tool_choice`. */
export const responsesToolChoice = textOrObject(
  "one of one of 'none', 'auto', or 'required' or object",
  oneOf('none', 'auto', 'required'),
  chosenTool,
)
