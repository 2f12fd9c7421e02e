import { isRecord } from '../../lib/record.ts'
import type { FunctionToolParam, MessagesTool } from './messages-request.ts'

/** A tool of Anthropic that the client executes. */
interface ClientTool {
  /** The beginning of its type, which ends with a date. */
  readonly type: RegExp
  readonly name: string
  /** The schema that the model knows. */
  readonly schema: Readonly<Record<string, unknown>>
}

const path = { type: 'string', pattern: '^/[a-z]{3,8}/[a-z]{3,8}$' }

/** Source: Anthropic, "Tool reference" (2026). The schemas have the simplest call of each tool. */
const clientTools: readonly ClientTool[] = [
  {
    type: /^bash_\d{8}$/,
    name: 'bash',
    schema: properties({ command: { type: 'string', enum: ['ls -la', 'pwd', 'git status'] } }),
  },
  {
    type: /^text_editor_20250728$|^text_editor_20250429$/,
    name: 'str_replace_based_edit_tool',
    schema: properties({ command: { const: 'view' }, path }),
  },
  {
    type: /^text_editor_\d{8}$/,
    name: 'str_replace_editor',
    schema: properties({ command: { const: 'view' }, path }),
  },
  {
    type: /^memory_\d{8}$/,
    name: 'memory',
    schema: properties({ command: { const: 'view' }, path: { const: '/memories' } }),
  },
  {
    type: /^computer_\d{8}$/,
    name: 'computer',
    schema: properties({ action: { const: 'screenshot' } }),
  },
]

function properties(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { type: 'object', properties: members, required: Object.keys(members), additionalProperties: false }
}

/** Returns whether a tool is a function of the client. */
export function isFunctionTool(tool: MessagesTool): tool is FunctionToolParam {
  return tool.type === undefined || tool.type === null || tool.type === 'custom'
}

function builtIn({ type }: MessagesTool): ClientTool | undefined {
  return clientTools.find((known) => known.type.test(String(type)))
}

/** Returns the name of a tool that the client executes; undefined for a tool that the service executes. */
export function clientToolName(tool: MessagesTool): string | undefined {
  return isFunctionTool(tool) ? tool.name : builtIn(tool)?.name
}

/** Returns the schema of the input of a tool that the client executes. */
export function clientToolSchema(tool: MessagesTool): Readonly<Record<string, unknown>> {
  if (isFunctionTool(tool)) return isRecord(tool.input_schema) ? tool.input_schema : {}
  return builtIn(tool)?.schema ?? {}
}
