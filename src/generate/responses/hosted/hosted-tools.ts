import type { Completion } from '../../../answer/completion.ts'
import type { Random } from '../../../lib/random.ts'
import { loadEncoding } from '../../../tokens/encoding.ts'
import type { Model } from '../../../wire/models/models.ts'
import { approvalRequestMissing } from '../../../wire/responses/responses-errors.ts'
import type { ServiceError } from '../../../wire/errors.ts'
import { isMessage, type ResponsesItem } from '../../../wire/responses/responses-item.ts'
import type { ResponsesRequest, ResponsesTool } from '../../../wire/responses/responses-request.ts'
import { clientToolOf, type CompletionTask, type HostedTool, type ToolChoice } from '../../completion-task.ts'
import type { HostedOutput } from '../../../wire/responses/hosted-output.ts'
import { echoedTool, type OutputItem } from '../../../wire/responses/response-object.ts'
import { deferredTools, type CallableTool } from '../../../wire/responses/responses-to-chat.ts'
import { baseType, familyOf, isChosenTool } from '../../../wire/responses/tool-types.ts'
import { drawApplyPatch, drawCodeInterpreter, drawComputer, drawLocalShell, drawShell } from './execution.ts'
import { hostedCallsOf } from '../draw-items.ts'
import type { ConversationTools } from '../input-items.ts'
import type { ConversationContext, DrawCall, DrawnCall } from './hosted-call.ts'
import { drawImage } from './image-generation.ts'
import { drawMcp, mcpCall } from './mcp.ts'
import { drawFileSearch, drawToolSearch, drawWebSearch, type DeferredTool } from './search.ts'

/** How each tool makes a call. The tools are named by their type without its date. */
const drawCalls: Readonly<Record<string, DrawCall>> = {
  apply_patch: drawApplyPatch,
  code_interpreter: drawCodeInterpreter,
  computer: drawComputer,
  computer_use_preview: drawComputer,
  file_search: drawFileSearch,
  image_generation: drawImage,
  local_shell: drawLocalShell,
  mcp: drawMcp,
  shell: drawShell,
  web_search: drawWebSearch,
  web_search_preview: drawWebSearch,
}

/** The hosted tools of a request, for one answer. */
export interface HostedPlan {
  readonly tools: readonly HostedTool[]
  /** Approved calls, which the answer makes first. */
  readonly approved: readonly DrawnCall[]
  /** Remote servers with tools that the answer lists. */
  readonly servers: readonly ResponsesTool[]
  readonly choice: ToolChoice
}

/** The input that hosted tools depend on. */
export interface PlannedInput {
  readonly items: readonly ResponsesItem[]
  /** Output of the previous response. */
  readonly previousOutput: readonly (OutputItem | HostedOutput)[]
  readonly toolHistory: ConversationTools
}

/** Plans the hosted tools of an answer. Returns undefined for a request without such tools and approvals. */
export function planHostedTools(
  request: ResponsesRequest,
  { items, previousOutput, toolHistory }: PlannedInput,
  model: Model,
  random: Random,
): HostedPlan | ServiceError | undefined {
  const offered = (request.tools ?? []).filter(({ type }) => isHosted(type))
  const approvals = openApprovals(items)
  if (offered.length === 0 && approvals.length === 0) return undefined
  const context: ConversationContext = {
    request,
    items,
    model,
    encoding: loadEncoding(model.encoding),
    question: questionOf(items),
    called: toolHistory.called,
  }
  const approved: DrawnCall[] = []
  for (const { approval_request_id: id, approve } of approvals) {
    const asked = [...previousOutput, ...items].find((item) => item.id === id) as ApprovalRequest | undefined
    if (asked?.type !== 'mcp_approval_request') return approvalRequestMissing(id)
    const { name, arguments: input, server_label: server } = asked
    if (approve) approved.push(mcpCall({ name, input, server, approvalId: id }, context, random))
  }
  const deferred = deferredTools(request.tools, items).map(deferredTool)
  const drawSearch = drawToolSearch(deferred)
  const callable = chosenTools(offered, request).filter(
    (tool) => tool.type !== 'tool_search' || canSearch(tool, deferred, toolHistory),
  )
  const tools = callable.map((tool): HostedTool => {
    const name = baseType(tool.type)
    const draw = name === 'tool_search' ? drawSearch : (drawCalls[name] as DrawCall)
    return { kind: 'hosted', name, draw: (drawing) => draw(tool, context, drawing) }
  })
  const servers = offered.filter((tool) => tool.type === 'mcp' && !isListed(tool, toolHistory))
  return { tools, approved, servers, choice: choiceOf(request) }
}

/** The client searches once after a message of the user; the service searches as long as tools are deferred. */
function canSearch(
  tool: ResponsesTool,
  deferred: readonly DeferredTool[],
  { called }: ConversationTools,
): boolean {
  if ((tool as { execution?: string | null }).execution !== 'client') return deferred.length > 0
  return !called.includes('tool_search')
}

/** Adds the hosted tools to a task. */
export function withHostedTools(
  task: CompletionTask,
  { tools, approved, choice }: HostedPlan,
  { max_tool_calls: max }: ResponsesRequest,
): CompletionTask {
  return {
    ...task,
    tools: [...task.tools, ...tools],
    toolChoice: choice,
    hosted: { approved, max: max ?? Infinity },
  }
}

/** Paints the pictures of hosted calls. Returns undefined if there are none. */
export function paintCalls({ choices }: Completion): Promise<unknown> | undefined {
  const painting = choices.flatMap((choice) => hostedCallsOf(choice).flatMap(({ paint }) => paint ?? []))
  return painting.length === 0 ? undefined : Promise.all(painting.map((paint) => paint()))
}

interface ApprovalUse {
  readonly approval_request_id?: string | null
}

interface ApprovalResponse {
  readonly approval_request_id: string
  readonly approve: boolean
}

interface ApprovalRequest {
  readonly type: string
  readonly id: string
  readonly name: string
  readonly arguments: string
  readonly server_label: string
}

/** The approvals since the last message of the model, without those of calls that the input has. */
function openApprovals(items: readonly ResponsesItem[]): readonly ApprovalResponse[] {
  if (!items.some(({ type }) => type === 'mcp_approval_response')) return []
  const start = items.findLastIndex((item) => isMessage(item) && item.role === 'assistant') + 1
  const made = new Set(
    items.map((item) => item.type === 'mcp_call' && (item as ApprovalUse).approval_request_id),
  )
  return items
    .slice(start)
    .filter((item): item is ResponsesItem & ApprovalResponse => item.type === 'mcp_approval_response')
    .filter(({ approval_request_id: id }) => !made.has(id))
}

function isListed(tool: ResponsesTool, { servers }: ConversationTools): boolean {
  return (
    tool.defer_loading === true || servers.includes((tool as { server_label?: string }).server_label ?? '')
  )
}

function isHosted(type: string): boolean {
  return type === 'tool_search' || Object.hasOwn(drawCalls, baseType(type))
}

/** The tools that the choice of the request allows. The choice of a remote server can name its tool. */
function chosenTools(
  tools: readonly ResponsesTool[],
  { tool_choice: choice }: ResponsesRequest,
): readonly ResponsesTool[] {
  if (typeof choice !== 'object' || choice === null) return tools
  if (choice.type === 'allowed_tools') {
    const allowed = (choice.tools ?? []).map(isChosenTool)
    return tools.filter((tool) => allowed.some((isAllowed) => isAllowed(tool)))
  }
  if (choice.type !== 'mcp') return tools
  const isChosen = isChosenTool(choice)
  const chosen = tools.filter((tool) => tool.type !== 'mcp' || isChosen(tool))
  const { name } = choice
  return name
    ? chosen.map((tool) => (tool.type === 'mcp' ? Object.assign({}, tool, { allowed_tools: [name] }) : tool))
    : chosen
}

function choiceOf({ tool_choice: choice }: ResponsesRequest): ToolChoice {
  if (choice === undefined || choice === null) return { kind: 'auto' }
  if (typeof choice === 'string') return { kind: choice }
  if (choice.type === 'allowed_tools') return { kind: choice.mode ?? 'auto' }
  if (choice.type === 'function' || choice.type === 'custom')
    return { kind: 'named', names: [choice.name ?? ''] }
  return { kind: 'named', names: familyOf(choice.type) }
}

function deferredTool({ tool, namespace, source }: CallableTool): DeferredTool {
  const client = clientToolOf(tool)
  return { path: namespace ?? client.name, client, echoed: echoedTool(source) }
}

/** The last text of the user in one line. */
function questionOf(items: readonly ResponsesItem[]): string {
  const message = items.findLast((item) => isMessage(item) && item.role === 'user')
  if (!message || !isMessage(message)) return ''
  const { content } = message
  const texts =
    typeof content === 'string' ? [content] : content.map((part) => ('text' in part ? part.text : ''))
  return texts.join(' ').replace(/\s+/g, ' ').trim()
}
