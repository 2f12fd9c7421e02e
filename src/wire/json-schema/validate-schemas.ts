import { cacheKeyOf, RecentMap } from '../../lib/caches.ts'
import { isRecord } from '../../lib/record.ts'
import type { ChatRequest, FunctionDefinition, JsonSchemaFormat, Tool } from '../chat/chat-request.ts'
import type { ResponsesItem } from '../responses/responses-item.ts'
import type { ResponsesRequest, ResponsesTool } from '../responses/responses-request.ts'
import { plainFault, type Fault, type JsonObject, type Rule } from '../validation/fault.ts'
import { schemaProblem, type SchemaUse } from './check-schema.ts'

/** Characters per generation of the cache of checked schemas. It has two generations: about 16 MB in total. */
const MAX_CACHED_CHARACTERS = 4 * 1024 * 1024

/** Longer schemas are not cached, so that a few large ones cannot evict the rest. In characters. */
const MAX_CACHED_LENGTH = 256 * 1024

interface CheckedSchema {
  /** The text that follows the name of the schema in the message; empty for a valid schema. */
  readonly problem: string
  readonly chars: number
}

/** The schemas of one use. */
interface SchemaCache {
  /** By JSON: the requests of a client have the same tools, but different messages. */
  readonly byText: RecentMap<string, CheckedSchema>
  /** By object: a repeated body is parsed once. */
  readonly byObject: WeakMap<object, string>
}

const createCache = (): SchemaCache => ({
  byText: new RecentMap(MAX_CACHED_CHARACTERS / 4, ({ chars }) => chars + 100),
  byObject: new WeakMap(),
})

const caches: Readonly<Record<SchemaUse, Readonly<Record<'strict' | 'plain', SchemaCache>>>> = {
  function: { strict: createCache(), plain: createCache() },
  response_format: { strict: createCache(), plain: createCache() },
}

/** Returns the result of `schemaProblem`. Each distinct schema is checked once. */
function cachedProblem(schema: Readonly<Record<string, unknown>>, use: SchemaUse, strict: boolean): string {
  const { byText, byObject } = caches[use][strict ? 'strict' : 'plain']
  const seen = byObject.get(schema)
  if (seen !== undefined) return seen
  const text = cacheKeyOf(schema)
  const problem = byText.get(text)?.problem ?? schemaProblem(schema, use, strict)
  if (text !== '' && text.length <= MAX_CACHED_LENGTH) byText.set(text, { problem, chars: text.length })
  byObject.set(schema, problem)
  return problem
}

/** A schema of a request. */
interface NamedSchema {
  readonly name: string
  /** Not checked if it is absent or null. */
  readonly schema: unknown
  readonly strict: boolean
  /** The `param` of the error. */
  readonly param: string
}

function functionFault({ name, schema, strict, param }: NamedSchema): Fault | undefined {
  const problem = isRecord(schema) ? cachedProblem(schema, 'function', strict) : ''
  if (problem === '') return undefined
  return plainFault(param, `Invalid schema for function '${name}'${problem}`, 'invalid_function_parameters')
}

function formatFault({ name, schema, strict, param }: NamedSchema, code: string | null): Fault | undefined {
  const problem = isRecord(schema) ? cachedProblem(schema, 'response_format', strict) : ''
  if (problem === '') return undefined
  return plainFault(param, `Invalid schema for response_format '${name}'${problem}`, code)
}

/** Returns the fault of the first item that has one. `parent` is the path before the list. */
function firstFault<Item>(
  items: readonly Item[] | null | undefined,
  faultOf: (item: Item, at: number, parent: string) => Fault | undefined,
  parent = '',
): Fault | undefined {
  if (!items) return undefined
  for (let i = 0; i < items.length; i++) {
    const fault = faultOf(items[i] as Item, i, parent)
    if (fault !== undefined) return fault
  }
  return undefined
}

/**
 * The schemas of tools, of functions and of the response format of a chat request. All fields are valid on their own. The errors of
 * other providers are not captured.
 */
export const chatSchemasAreValid: Rule = (body, { provider }) => {
  if (provider !== undefined) return undefined
  const { tools, functions, response_format: format } = body as JsonObject & ChatRequest
  return (
    firstFault(tools, chatToolFault) ??
    firstFault(functions, chatFunctionFault) ??
    (format?.type === 'json_schema' ? chatFormatFault(format.json_schema) : undefined)
  )
}

function chatToolFault(tool: Tool, at: number): Fault | undefined {
  return tool.type === 'function' ? definitionFault(tool.function, `tools[${at}].function`) : undefined
}

function chatFunctionFault(definition: FunctionDefinition, at: number): Fault | undefined {
  return definitionFault(definition, `functions[${at}]`)
}

function definitionFault({ name, parameters, strict }: FunctionDefinition, path: string): Fault | undefined {
  return functionFault({ name, schema: parameters, strict: strict === true, param: `${path}.parameters` })
}

function chatFormatFault({ name, schema, strict }: JsonSchemaFormat): Fault | undefined {
  return formatFault({ name, schema, strict: strict === true, param: 'response_format' }, null)
}

/**
 * The schemas of functions and of the text format of a Responses request. All fields are valid on their own. A function without `strict`
 * is made strict where its schema allows it, and is otherwise not strict (OpenAI's guide), so that it follows only the rules for all
 * schemas. A format without `strict` is strict (simonw/llm-openai-plugin#3, 2025-03).
 */
export const responsesSchemasAreValid: Rule = (body, { provider }) => {
  if (provider !== undefined) return undefined
  const { input, tools, text } = body as JsonObject & ResponsesRequest
  const format = text?.format
  const fault =
    firstFault(tools, toolFault) ?? (typeof input === 'string' ? undefined : firstFault(input, itemFault))
  if (fault !== undefined || format?.type !== 'json_schema') return fault
  const { name, schema, strict } = format
  return formatFault(
    { name, schema, strict: strict !== false, param: 'text.format.schema' },
    'invalid_json_schema',
  )
}

function toolFault(tool: ResponsesTool, at: number, parent: string): Fault | undefined {
  const { type, name = '', parameters, strict, tools } = tool
  const path = `${parent}tools[${at}]`
  if (type === 'namespace') return firstFault(tools, toolFault, `${path}.`)
  if (type !== 'function') return undefined
  return functionFault({ name, schema: parameters, strict: strict === true, param: `${path}.parameters` })
}

/** The service is not captured for tools that items load. */
function itemFault(item: ResponsesItem, at: number): Fault | undefined {
  return item.type === 'additional_tools' || item.type === 'tool_search_output'
    ? firstFault(item.tools, toolFault, `input[${at}].`)
    : undefined
}
