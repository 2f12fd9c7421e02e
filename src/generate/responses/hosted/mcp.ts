import { isRecord } from '../../../lib/record.ts'
import type { Random } from '../../../lib/random.ts'
import type { WrittenItem } from '../../../wire/responses/response-object.ts'
import type { ResponsesTool } from '../../../wire/responses/responses-request.ts'
import { drawJson } from '../../json/draw-json.ts'
import { drawLorem } from '../../lorem.ts'
import type { ItemContext } from '../draw-items.ts'
import {
  type ConversationContext,
  type DrawCall,
  type DrawnCall,
  hostedItem,
  plainCall,
} from './hosted-call.ts'

/** The options of a remote server that the simulator uses. */
interface McpOptions {
  readonly server_label?: string
  readonly allowed_tools?: unknown
  readonly require_approval?: unknown
}

/** A tool of a remote server. */
interface McpTool {
  readonly name: string
  readonly description: string
  readonly schema: object
}

const text = (description: string): object => ({ type: 'string', description })

/** The tools of a server, if the request names none. */
const defaultTools: readonly McpTool[] = [
  {
    name: 'search',
    description: 'Searches the documents of the server.',
    schema: {
      type: 'object',
      properties: { query: text('Search query') },
      required: ['query'],
      additionalProperties: false,
    },
  },
  {
    name: 'fetch',
    description: 'Returns a document of the server.',
    schema: {
      type: 'object',
      properties: { id: text('Id of the document') },
      required: ['id'],
      additionalProperties: false,
    },
  },
]

/** The tools of a server. The simulator does not connect to it: allowed tools exist, with one text as input. */
function toolsOf({ allowed_tools: allowed }: McpOptions): readonly McpTool[] {
  const names = namesOf(allowed)
  if (names.length === 0) return defaultTools
  return names.map((name) => {
    const known = defaultTools.find((tool) => tool.name === name)
    return (
      known ?? {
        name,
        description: `Tool ${name} of the server.`,
        schema: (defaultTools[0] as McpTool).schema,
      }
    )
  })
}

/** The names in a list of tools or in a filter. */
function namesOf(filter: unknown): readonly string[] {
  const list = isRecord(filter) ? filter['tool_names'] : filter
  return Array.isArray(list) ? list.filter((name) => typeof name === 'string') : []
}

/** Whether a call needs the approval of the client. The default of the service is `always`. */
function needsApproval({ require_approval: rule }: McpOptions, name: string): boolean {
  if (rule === 'never') return false
  if (!isRecord(rule)) return true
  if (namesOf(rule['never']).includes(name)) return false
  return rule['always'] === undefined || namesOf(rule['always']).includes(name)
}

/** The item with the tools of a server. The service writes it first, once in a conversation. */
export function mcpListItem(tool: ResponsesTool, { ids, epochSeconds }: ItemContext): WrittenItem {
  const options = tool as McpOptions
  const tools = toolsOf(options).map(({ name, description, schema }) => ({
    annotations: { read_only: true },
    description,
    input_schema: schema,
    name,
  }))
  const id = ids.next('mcpl', epochSeconds)
  return hostedItem({ id, type: 'mcp_list_tools', server_label: options.server_label ?? '', tools })
}

const OUTPUT_TOKENS = 60

/** `mcp`: a call of a tool of the server, or a request for its approval, which ends the answer. */
export const drawMcp: DrawCall = (tool, context, random) => {
  const options = tool as McpOptions
  const tools = toolsOf(options)
  const { name, schema } = tools[random.below(tools.length)] as McpTool
  const input = JSON.stringify(drawJson(schema, random))
  const server = options.server_label ?? ''
  if (!needsApproval(options, name)) return mcpCall({ name, input, server }, context, random)
  return {
    ...plainCall,
    hiddenTokens: context.encoding.count(input),
    endsAnswer: true,
    items({ ids, epochSeconds }) {
      const id = ids.next('mcpr', epochSeconds)
      const call = { arguments: input, name, server_label: server }
      return [hostedItem({ id, type: 'mcp_approval_request', ...call })]
    },
  }
}

/** A call of a remote tool with its arguments as JSON text. */
export interface McpCall {
  readonly name: string
  readonly input: string
  readonly server: string
  /** Set if the client has approved the call. */
  readonly approvalId?: string
}

/** Draws the result of a call. */
export function mcpCall(
  { name, input, server, approvalId }: McpCall,
  { encoding }: ConversationContext,
  random: Random,
): DrawnCall {
  const pieces = encoding.pieces(input)
  const output = drawLorem(random, OUTPUT_TOKENS).text
  return {
    ...plainCall,
    pieces,
    resultTokens: OUTPUT_TOKENS,
    items({ ids, epochSeconds }) {
      const item = {
        id: ids.next('mcp', epochSeconds),
        type: 'mcp_call',
        status: 'completed',
        approval_request_id: approvalId ?? null,
        arguments: input,
        error: null,
        name,
        output,
        server_label: server,
      } as const
      return [hostedItem(item, { pieces })]
    },
  }
}
