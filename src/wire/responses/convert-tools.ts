import { shortText } from '../../lib/error-text.ts'
import { isRecord } from '../../lib/record.ts'
import type { JsonMembers } from '../conversion.ts'
import { types, type Conversion } from '../convert-parameters.ts'
import { choiceCheck, choiceTypes, functionMembers, schemaMembers } from '../chat/convertible-members.ts'
import { schemaProblem } from '../json-schema/check-schema.ts'
import { isSet, missing } from '../validation/fault.ts'

const definitionNames = new Set(Object.keys(functionMembers))
const choices = ['none', 'auto', 'required']
const nameOnly = new Set(['name'])

/** Converts `tools` of chat completions. */
export function responsesToolsOf(tools: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion
    .objects(tools, 'tools')
    .map(([tool, path]) => conversion.byType(tool, path, chatTools)(tool, path, conversion))
}

/** Converts `functions`, the older form of `tools`. */
export function responsesFunctionsOf(functions: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion
    .objects(functions, 'functions')
    .map(([definition, path]) => responsesFunction(definition, path, conversion))
}

type ConvertTool = (tool: JsonMembers, path: string, conversion: Conversion) => JsonMembers

const chatTools: ReadonlyMap<string, ConvertTool> = new Map<string, ConvertTool>([
  [
    'function',
    (tool, path, conversion) => {
      conversion.leaveOutOthers(tool, path, new Set(['type', 'function']))
      const definition = conversion.objectIn(tool, 'function', path)
      return responsesFunction(definition, `${path}.function`, conversion)
    },
  ],
  [
    'custom',
    (tool, path, conversion) => {
      conversion.leaveOutOthers(tool, path, new Set(['type', 'custom']))
      const custom = conversion.objectIn(tool, 'custom', path)
      const at = `${path}.custom`
      conversion.leaveOutOthers(custom, at, new Set(['name', 'description', 'format']))
      const name = conversion.text(custom, 'name', at)
      const { description, format } = conversion.members(custom, at, {
        description: types.text,
        format: types.object,
      })
      return {
        type: 'custom',
        name,
        ...(description !== undefined && { description }),
        ...(isRecord(format) && { format: flatFormat(format, `${at}.format`, conversion) }),
      }
    },
  ],
])

/** In chat completions, a function without `strict` is not strict. In the Responses API, it is if its schema allows it. */
function responsesFunction(definition: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  conversion.leaveOutOthers(definition, path, definitionNames)
  const name = conversion.text(definition, 'name', path)
  const members = conversion.members(definition, path, functionMembers)
  return { type: 'function', name, parameters: null, strict: false, ...members }
}

/** The grammar of a custom tool is nested in chat completions, and flat in the Responses API. */
function flatFormat(format: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  const type = conversion.byType(format, path, formats)
  if (type === 'text') return { type }
  const { definition, syntax } = conversion.objectIn(format, 'grammar', path)
  return {
    type,
    definition: textOf(definition, `${path}.grammar.definition`, conversion),
    syntax: textOf(syntax, `${path}.grammar.syntax`, conversion),
  }
}

const formats: ReadonlyMap<string, 'text' | 'grammar'> = new Map([
  ['text', 'text'],
  ['grammar', 'grammar'],
])

function textOf(value: unknown, path: string, conversion: Conversion): string {
  conversion.expect(value, path, types.text)
  return value as string
}

/** Converts `tools` of the Responses API. Tools that the service executes have no equivalent. */
export function chatToolsOf(tools: unknown, conversion: Conversion): readonly JsonMembers[] {
  return conversion.objects(tools, 'tools').flatMap(([tool, path]) => {
    const type = conversion.text(tool, 'type', path)
    if (type === 'function') return [chatFunction(tool, path, conversion)]
    if (type === 'custom') return [chatCustomTool(tool, path, conversion)]
    conversion.leaveOut(path, `chat completions has no tool of type '${shortText(type)}'`, `tools.${type}`)
    return []
  })
}

const notDeferred = new Set(['type', 'defer_loading'])

function chatFunction(tool: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  leaveOutNewMembers(tool, path, conversion, definitionNames)
  conversion.text(tool, 'name', path)
  const definition = conversion.members(tool, path, functionMembers)
  const { parameters, strict } = definition
  // A function without `strict` is strict where its schema allows it.
  const isStrict =
    strict === undefined && isRecord(parameters) && schemaProblem(parameters, 'function', true) === ''
  return { type: 'function', function: isStrict ? { ...definition, strict: true } : definition }
}

function chatCustomTool(tool: JsonMembers, path: string, conversion: Conversion): JsonMembers {
  leaveOutNewMembers(tool, path, conversion, new Set(['name', 'description', 'format']))
  conversion.text(tool, 'name', path)
  const { format, ...custom } = conversion.members(tool, path, {
    name: types.text,
    description: types.text,
    format: types.object,
  })
  if (!isRecord(format)) return { type: 'custom', custom }
  const type = conversion.byType(format, `${path}.format`, formats)
  if (type === 'text') return { type: 'custom', custom: { ...custom, format: { type } } }
  const grammar = {
    definition: conversion.text(format, 'definition', `${path}.format`),
    syntax: conversion.text(format, 'syntax', `${path}.format`),
  }
  return { type: 'custom', custom: { ...custom, format: { type, grammar } } }
}

/** Refuses what chat completions does not have: deferred tools and members that are not null. */
function leaveOutNewMembers(
  tool: JsonMembers,
  path: string,
  conversion: Conversion,
  known: ReadonlySet<string>,
): void {
  if (tool['defer_loading'] === true) conversion.leaveOut(`${path}.defer_loading`)
  for (const [name, value] of Object.entries(tool)) {
    if (!known.has(name) && !notDeferred.has(name) && isSet(value)) conversion.leaveOut(`${path}.${name}`)
  }
}

/** Converts `tool_choice` of chat completions. */
export function responsesChoiceOf(choice: unknown, conversion: Conversion): JsonMembers {
  return { tool_choice: convertChoice(choice, conversion, flatChoice) }
}

/** Converts `function_call`, the older form of `tool_choice`. */
export function responsesFunctionChoiceOf(choice: unknown, conversion: Conversion): JsonMembers {
  const path = 'function_call'
  if (isRecord(choice)) {
    conversion.leaveOutOthers(choice, path, nameOnly)
    return { tool_choice: { type: 'function', name: conversion.text(choice, 'name', path) } }
  }
  conversion.expect(choice, path, choiceCheck(['none', 'auto']))
  return { tool_choice: choice }
}

/** Converts `tool_choice` of the Responses API. */
export function chatChoiceOf(choice: unknown, conversion: Conversion): JsonMembers {
  if (isRecord(choice)) {
    const type = conversion.text(choice, 'type', 'tool_choice')
    if (!chosenTypes.has(type)) {
      conversion.leaveOut('tool_choice', `chat completions has no tool of type '${shortText(type)}'`)
      return {}
    }
  }
  const converted = convertChoice(choice, conversion, nestedChoice)
  return converted === undefined ? {} : { tool_choice: converted }
}

const chosenTypes = new Set(['function', 'custom', 'allowed_tools'])

/** Converts the choice of one tool. */
type ConvertChoice = (
  tool: JsonMembers,
  type: 'function' | 'custom',
  path: string,
  conversion: Conversion,
) => JsonMembers

const flatChoice: ConvertChoice = (tool, type, path, conversion) => {
  conversion.leaveOutOthers(tool, path, new Set(['type', type]))
  const chosen = conversion.objectIn(tool, type, path)
  conversion.leaveOutOthers(chosen, `${path}.${type}`, nameOnly)
  return { type, name: conversion.text(chosen, 'name', `${path}.${type}`) }
}

const nestedChoice: ConvertChoice = (tool, type, path, conversion) => {
  conversion.leaveOutOthers(tool, path, new Set(['type', 'name']))
  return { type, [type]: { name: conversion.text(tool, 'name', path) } }
}

function convertChoice(choice: unknown, conversion: Conversion, convert: ConvertChoice): unknown {
  const path = 'tool_choice'
  if (!isRecord(choice)) {
    conversion.expect(choice, path, choiceCheck(choices))
    return choice
  }
  const type = conversion.byType(choice, path, choiceTypes)
  if (type !== 'allowed_tools') return convert(choice, type, path, conversion)
  const isNested = conversion.source === 'chat'
  const allowed = isNested ? conversion.objectIn(choice, type, path) : choice
  const at = isNested ? `${path}.${type}` : path
  const mode = conversion.text(allowed, 'mode', at)
  if (allowed['tools'] === undefined) conversion.refuse(at, missing('.tools'))
  const tools = conversion.objects(allowed['tools'], `${at}.tools`).flatMap(([tool, toolPath]) => {
    const toolType = conversion.text(tool, 'type', toolPath)
    if (toolType === 'function' || toolType === 'custom')
      return [convert(tool, toolType, toolPath, conversion)]
    conversion.leaveOut(toolPath, `chat completions has no tool of type '${shortText(toolType)}'`)
    return []
  })
  return isNested ? { type, mode, tools } : { type, allowed_tools: { mode, tools } }
}

const schemaNames = new Set(Object.keys(schemaMembers))

/** Converts `response_format` to `text.format`. */
export function textFormatOf(format: unknown, conversion: Conversion): JsonMembers {
  const path = 'response_format'
  const object = conversion.object(format, path)
  const type = conversion.byType(object, path, formatTypes)
  conversion.leaveOutOthers(
    object,
    path,
    type === 'json_schema' ? new Set(['type', 'json_schema']) : typeOnly,
  )
  if (type !== 'json_schema') return { text: { format: { type } } }
  const schema = conversion.objectIn(object, type, path)
  const at = `${path}.${type}`
  conversion.leaveOutOthers(schema, at, schemaNames)
  const name = conversion.text(schema, 'name', at)
  const members = conversion.members(schema, at, schemaMembers)
  // The schema is optional only in chat completions. A strict one describes its members.
  if (members['schema'] === undefined && members['strict'] === true) conversion.refuse(at, missing('.schema'))
  // Without `strict`, a format of chat completions is not strict, and one of the Responses API is.
  return { text: { format: { type, name, schema: anyObject, strict: false, ...members } } }
}

const anyObject = { type: 'object', properties: {} }
const typeOnly = new Set(['type'])
const formatTypes: ReadonlyMap<string, 'text' | 'json_object' | 'json_schema'> = new Map([
  ['text', 'text'],
  ['json_object', 'json_object'],
  ['json_schema', 'json_schema'],
])

/** Converts `text.format` to `response_format`. */
export function responseFormatOf(format: unknown, conversion: Conversion): JsonMembers {
  const path = 'text.format'
  const object = conversion.object(format, path)
  const type = conversion.byType(object, path, formatTypes)
  conversion.leaveOutOthers(
    object,
    path,
    type === 'json_schema' ? new Set(['type', ...schemaNames]) : typeOnly,
  )
  if (type !== 'json_schema') return { response_format: { type } }
  conversion.text(object, 'name', path)
  const members = conversion.members(object, path, schemaMembers)
  return { response_format: { type, json_schema: { strict: true, ...members } } }
}
