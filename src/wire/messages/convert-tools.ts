import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { types, type Conversion } from '../convert-parameters.ts'
import { choiceCheck, choiceTypes, functionMembers } from '../chat/convertible-members.ts'
import { schemaProblem } from '../json-schema/check-schema.ts'
import { oneOf } from '../validation/checks.ts'
import { missing } from '../validation/fault.ts'

const definitionNames = new Set(Object.keys(functionMembers))

const functionOnly: ReadonlyMap<string, 'function' | 'custom'> = new Map([
  ['function', 'function'],
  ['custom', 'custom'],
])

const NO_CUSTOM_TOOLS = 'Anthropic Messages have no custom tools'

/** Converts `tools` of chat completions. */
export function messagesToolsOf(tools: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion.objects(tools, 'tools').flatMap(([tool, path]) => {
    if (conversion.byType(tool, path, functionOnly) === 'custom') {
      conversion.leaveOut(path, NO_CUSTOM_TOOLS, 'tools.custom')
      return []
    }
    conversion.leaveOutOthers(tool, path, new Set(['type', 'function', 'cache_control']))
    const definition = conversion.objectIn(tool, 'function', path)
    const cached = conversion.members(tool, path, { cache_control: types.object })
    return [{ ...messagesTool(definition, `${path}.function`, conversion), ...cached }]
  })
}

/** Converts `functions`, the older form of `tools`. */
export function messagesFunctionsOf(functions: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion
    .objects(functions, 'functions')
    .map(([definition, path]) => messagesTool(definition, path, conversion))
}

/** A function without parameters has the schema of an empty object. `strict: false` is the default of both APIs. */
function messagesTool(definition: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  conversion.leaveOutOthers(definition, path, definitionNames)
  const name = conversion.text(definition, 'name', path)
  const { description, parameters, strict } = conversion.members(definition, path, functionMembers)
  const schema = isRecord(parameters) ? parameters : { properties: {} }
  return {
    name,
    ...(description !== undefined && { description }),
    input_schema: 'type' in schema ? schema : { type: 'object', ...schema },
    ...(strict === true && { strict }),
  }
}

const choices: Readonly<Record<string, JsonMembers>> = {
  none: { type: 'none' },
  auto: { type: 'auto' },
  required: { type: 'any' },
}

const anyChoice = choiceCheck(Object.keys(choices))
const functionChoice = choiceCheck(['none', 'auto'])

/** The choice of a chat request in the form of Anthropic Messages. */
export interface MessagesChoice {
  readonly choice: JsonMembers
  /** The only tools that the model can call; undefined: all. */
  readonly allowed?: ReadonlySet<unknown>
}

/** Converts `tool_choice` of chat completions. Returns undefined if the deployment drops it. */
export function messagesChoiceOf(choice: unknown, conversion: Conversion): MessagesChoice | undefined {
  const path = 'tool_choice'
  if (!isRecord(choice)) {
    conversion.expect(choice, path, anyChoice)
    return { choice: choices[choice as string] ?? {} }
  }
  const type = conversion.byType(choice, path, choiceTypes)
  conversion.leaveOutOthers(choice, path, new Set(['type', type]))
  if (type === 'custom') {
    conversion.leaveOut(path, NO_CUSTOM_TOOLS)
    return undefined
  }
  const chosen = conversion.objectIn(choice, type, path)
  if (type === 'function') return { choice: namedChoice(chosen, `${path}.function`, conversion) }
  const at = `${path}.${type}`
  const mode = conversion.text(chosen, 'mode', at)
  conversion.expect(mode, `${at}.mode`, oneOf('auto', 'required'))
  if (chosen['tools'] === undefined) conversion.refuse(at, missing('.tools'))
  const names = conversion.objects(chosen['tools'], `${at}.tools`).flatMap(([tool, toolPath]) => {
    if (conversion.byType(tool, toolPath, functionOnly) === 'custom') {
      conversion.leaveOut(toolPath, NO_CUSTOM_TOOLS)
      return []
    }
    const called = conversion.objectIn(tool, 'function', toolPath)
    return [conversion.text(called, 'name', `${toolPath}.function`)]
  })
  return { choice: choices[mode] ?? {}, allowed: new Set(names) }
}

/** Converts `function_call`, the older form of `tool_choice`. */
export function messagesFunctionChoiceOf(choice: unknown, conversion: Conversion): MessagesChoice {
  const path = 'function_call'
  if (isRecord(choice)) return { choice: namedChoice(choice, path, conversion) }
  conversion.expect(choice, path, functionChoice)
  return { choice: choices[choice as string] ?? {} }
}

function namedChoice(chosen: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  conversion.leaveOutOthers(chosen, path, new Set(['name']))
  return { type: 'tool', name: conversion.text(chosen, 'name', path) }
}

/** Converts `tools` of Anthropic Messages. Tools with a date in their type belong to Anthropic. */
export function chatToolsOf(tools: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion.objects(tools, 'tools').flatMap(([tool, path]) => {
    const { type } = conversion.members(tool, path, { type: types.text })
    if (type !== undefined && type !== 'custom') {
      conversion.leaveOut(
        path,
        `chat completions has no tool of type '${type as string}'`,
        `tools.${type as string}`,
      )
      return []
    }
    for (const name of Object.keys(tool)) {
      if (!toolMembers.has(name) && tool[name] !== null) conversion.leaveOut(`${path}.${name}`)
    }
    const { description, strict } = conversion.members(tool, path, {
      description: types.text,
      strict: types.boolean,
    })
    const parameters = withProperties(conversion.objectIn(tool, 'input_schema', path))
    // Schemas that Anthropic follows strictly can be invalid as strict ones of OpenAI.
    const isStrict = strict === true && schemaProblem(parameters, 'function', true) === ''
    const definition = {
      name: conversion.text(tool, 'name', path),
      ...(description !== undefined && { description }),
      parameters,
      ...(isStrict && { strict }),
    }
    return [{ type: 'function', function: definition }]
  })
}

/** Chat completions refuses an object without `properties`, and null. */
function withProperties(schema: JsonMembers): JsonMembers {
  const given = Object.entries(schema).filter(([, value]) => value !== null)
  return { properties: {}, ...Object.fromEntries(given) }
}

/** The cache and the stream of arguments do not need a parameter in chat completions. */
const toolMembers = new Set([
  'type',
  'name',
  'description',
  'input_schema',
  'strict',
  'cache_control',
  'eager_input_streaming',
])

const chatChoices: ReadonlyMap<string, string> = new Map([
  ['auto', 'auto'],
  ['any', 'required'],
  ['none', 'none'],
  ['tool', 'tool'],
])

/** Converts `tool_choice` of Anthropic Messages. */
export function chatChoiceOf(value: unknown, conversion: Conversion): JsonMembers {
  const path = 'tool_choice'
  const choice = conversion.object(value, path)
  const type = conversion.byType(choice, path, chatChoices)
  conversion.leaveOutOthers(choice, path, new Set(['type', 'name', 'disable_parallel_tool_use']))
  const { disable_parallel_tool_use: isSingle } = conversion.members(choice, path, {
    disable_parallel_tool_use: types.boolean,
  })
  const chosen =
    type === 'tool' ? { type: 'function', function: { name: conversion.text(choice, 'name', path) } } : type
  return { tool_choice: chosen, ...(isSingle === true && { parallel_tool_calls: false }) }
}
