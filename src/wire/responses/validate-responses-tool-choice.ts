import { isRecord } from '../../lib/record.ts'
import { functionName } from '../chat/validate-chat-tools.ts'
import {
  anything,
  arrayOf,
  objectOf,
  oneOf,
  optional,
  required,
  text,
  textOrObject,
} from '../validation/checks.ts'
import {
  missing,
  notOneOf,
  plainFault,
  prefixPath,
  wrongType,
  type Check,
  type Fault,
  type Rule,
} from '../validation/fault.ts'
import type { ResponsesItem } from './responses-item.ts'
import type { ResponsesRequest, ResponsesTool } from './responses-request.ts'
import { isChosenTool } from './tool-types.ts'
import { responsesToolTypes } from './validate-responses-tools.ts'

/** The values in the message of the service (code-yeongyu/senpi#3080 on gpt-6.1-sol). It accepts more of them. */
const listedTypes = [
  'code_interpreter',
  'programmatic_tool_calling',
  'function',
  'namespace',
  'tool_search',
  'file_search',
  'web_search_preview',
  'computer_use_preview',
  'mcp',
  'image_generation',
  'custom',
  'apply_patch',
]

const named = objectOf([required('type', anything), required('name', functionName)])
const server = objectOf([
  required('type', anything),
  required('server_label', text()),
  optional('name', text()),
])

/** Checks of the tools that have more members than a type. */
const chosenTools: ReadonlyMap<string, Check> = new Map([
  ['function', named],
  ['custom', named],
  ['mcp', server],
])

const allowedTools = objectOf([
  required('type', anything),
  required('mode', oneOf('auto', 'required')),
  required('tools', arrayOf(typed(chosenTools), { expected: 'an array of objects' })),
])

/** Accepts a tool by its type. */
function typed(checks: ReadonlyMap<string, Check>): Check {
  return (value) => {
    if (!isRecord(value)) return wrongType('an object', value)
    const { type } = value
    if (type === undefined) return missing('.type')
    if (typeof type !== 'string') return prefixPath('.type', wrongType('a string', type))
    const check = checks.get(type)
    if (check !== undefined) return check(value)
    return responsesToolTypes.has(type) ? undefined : prefixPath('.type', notOneOf(type, listedTypes))
  }
}

/** `tool_choice`. */
export const responsesToolChoice = textOrObject(
  "one of one of 'none', 'auto', or 'required' or object",
  oneOf('none', 'auto', 'required'),
  typed(new Map([...chosenTools, ['allowed_tools', allowedTools]])),
)

/**
 * Rejects a choice of a tool that the request does not have. Public reports of 2026 have the messages for `required`, functions and
 * hosted tools. A stored prompt can contain the tools.
 */
export const chosenToolIsDeclared: Rule = (body) => {
  const { tool_choice: choice, tools, input, prompt } = body as unknown as ResponsesRequest
  if (!choice || choice === 'auto' || choice === 'none' || prompt) return undefined
  const declared = [...(tools ?? []), ...loadedTools(input)]
  if (choice === 'required') {
    return declared.length > 0
      ? undefined
      : plainFault('tool_choice', "Tool choice 'required' must be specified with 'tools' parameter.")
  }
  const all = declared.concat(declared.flatMap((tool) => tool.tools ?? []))
  if (choice.type !== 'allowed_tools')
    return all.some(isChosenTool(choice)) ? undefined : notFound(choice.type)
  for (const tool of choice.tools ?? []) {
    // The message names an allowed tool (vercel/ai, allowedTools of the Responses API, 2026).
    if (!all.some(isChosenTool(tool))) return notFound(tool.name ?? tool.type)
  }
  return undefined
}

function notFound(name: string): Fault {
  return plainFault('tool_choice', `Tool choice '${name}' not found in 'tools' parameter.`)
}

/** Tools that items of the input add. */
function loadedTools(input: string | readonly ResponsesItem[] | undefined): readonly ResponsesTool[] {
  if (input === undefined || typeof input === 'string') return []
  return input.flatMap((item) => ('tools' in item ? item.tools : []))
}
