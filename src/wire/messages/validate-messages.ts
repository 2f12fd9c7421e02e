import { isRecord } from '../../lib/record.ts'
import type { ServiceError } from '../errors.ts'
import { claudeTraits, type ClaudeTraits } from '../models/claude-traits.ts'
import type { Model } from '../models/models.ts'
import { mediaProblem } from './check-media.ts'
import { conversationProblem } from './check-conversation.ts'
import { invalidMessages, threadsNotSupported } from './messages-errors.ts'
import { countShape, messageShape, samplingMessageShape, samplingParameters } from './message-shapes.ts'
import {
  anthropicVersions,
  hostedBlockTypes,
  type CacheControl,
  type CountedRequest,
  type MessagesRequest,
} from './messages-request.ts'
import { clientToolName } from './anthropic-tools.ts'

/** A request, or the error that refuses it. */
export type ParsedMessages<R> =
  | { readonly ok: true; readonly request: R }
  | { readonly ok: false; readonly error: ServiceError }

/** What decides about a request besides its body. */
export interface MessagesContext {
  readonly model: Model
  /** The header `anthropic-version`. */
  readonly version: string | undefined
  /** The header `anthropic-beta`. */
  readonly betas: string | undefined
}

/** The version without sampling parameters. */
const SECOND_VERSION = '2026-10-21'

/** Validates a request for a message. */
export function parseMessagesRequest(
  body: unknown,
  context: MessagesContext,
): ParsedMessages<MessagesRequest> {
  const shape = isSecondVersion(context) ? messageShape : samplingMessageShape
  const message =
    headerProblem(context) ?? bodyProblem(body) ?? shape(body, '') ?? requestProblem(body, context)
  if (message !== undefined) return { ok: false, error: invalidMessages(message) }
  if (isRecord(body) && isGiven(body['thread'])) return { ok: false, error: threadsNotSupported() }
  return { ok: true, request: body as MessagesRequest }
}

/** Validates a request to count tokens. */
export function parseCountRequest(body: unknown, context: MessagesContext): ParsedMessages<CountedRequest> {
  const message = headerProblem(context) ?? bodyProblem(body) ?? countShape(body, '')
  const problem = message ?? promptProblem(body as CountedRequest, context)
  return problem === undefined
    ? { ok: true, request: body as CountedRequest }
    : { ok: false, error: invalidMessages(problem) }
}

function isSecondVersion({ version }: MessagesContext): boolean {
  return version === SECOND_VERSION
}

/** A name and a date, as all betas have had so far. */
const betaPattern = /^[a-z0-9-]+-\d{4}-\d{2}-\d{2}$/

/** Returns what is wrong with the headers of a request. The text for an unknown version is assumed. */
export function headerProblem({
  version,
  betas,
}: Pick<MessagesContext, 'version' | 'betas'>): string | undefined {
  if (version === undefined || version === '') return 'anthropic-version: header is required'
  if (!(anthropicVersions as readonly string[]).includes(version)) {
    return `anthropic-version: "${version.slice(0, MAX_SHOWN)}" is not a valid version.`
  }
  const unknown = (betas ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name !== '' && !betaPattern.test(name))
  return unknown === undefined
    ? undefined
    : `Unexpected value(s) \`${unknown.slice(0, MAX_SHOWN)}\` for the \`anthropic-beta\` header. Please consult our documentation at https://docs.claude.com/en/api/beta-headers or try again without the header.`
}

const MAX_SHOWN = 100

function bodyProblem(body: unknown): string | undefined {
  return isRecord(body) ? undefined : 'The request body is not valid JSON.'
}

function requestProblem(body: unknown, context: MessagesContext): string | undefined {
  const request = body as MessagesRequest
  const { model } = context
  if (request.max_tokens > model.maxOutputTokens) {
    return `max_tokens: ${request.max_tokens} > ${model.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model.errorName}`
  }
  const blank = request.stop_sequences?.findIndex((stop) => stop.trim() === '') ?? -1
  if (blank !== -1) return `stop_sequences.${blank}: each stop sequence must contain non-whitespace`
  return (
    hostedProblem(request) ??
    samplingProblem(request, claudeTraits(model)) ??
    promptProblem(request, context) ??
    thinkingProblem(request, claudeTraits(model))
  )
}

/** What deployments that are hosted on Azure refuse (Anthropic, "Claude in Microsoft Foundry"). The texts are assumed. */
function hostedProblem({ container, speed, diagnostics }: MessagesRequest): string | undefined {
  if (isGiven(container)) return 'container: Code execution is not supported for this deployment.'
  if (speed === 'fast') return 'speed: Fast mode is not supported for this deployment.'
  return isGiven(diagnostics) ? 'diagnostics: Extra inputs are not permitted' : undefined
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function samplingProblem(request: MessagesRequest, { sampling }: ClaudeTraits): string | undefined {
  const { temperature, top_p: topP } = request
  if (sampling === 'default') {
    const given = samplingParameters.find(
      (name) => isGiven(request[name as keyof MessagesRequest]) && !isDefault(name, request),
    )
    return given === undefined ? undefined : `\`${given}\` is deprecated for this model.`
  }
  if (sampling === 'one' && temperature !== undefined && topP !== undefined) {
    return '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
  }
  return undefined
}

/** Models that have no sampling accept a temperature of 1 (public reports of claude-opus-5-5). */
function isDefault(name: string, { temperature }: MessagesRequest): boolean {
  return name === 'temperature' && temperature === 1
}

/** Rules for what the model reads, which also apply when tokens are counted. */
function promptProblem(request: CountedRequest, context: MessagesContext): string | undefined {
  const traits = claudeTraits(context.model)
  return (
    toolsProblem(request, traits) ??
    conversationProblem(request, traits, isSecondVersion(context)) ??
    mediaProblem(request) ??
    cacheProblem(request) ??
    thinkingTypeProblem(request, traits)
  )
}

function toolsProblem(
  { tools = [], tool_choice: choice }: CountedRequest,
  { forcedTools }: ClaudeTraits,
): string | undefined {
  const names = new Set<string>()
  for (const [index, tool] of tools.entries()) {
    const name = clientToolName(tool)
    if (name === undefined) {
      return `tools.${index}: '${String(tool.type).slice(0, MAX_SHOWN)}' is not supported for this deployment. Server tools are not available.`
    }
    if ('defer_loading' in tool && tool.defer_loading === true) {
      return `tools.${index}.custom.defer_loading: Tool search is not supported for this deployment.`
    }
    if (names.has(name)) return 'tools: Tool names must be unique.'
    names.add(name)
  }
  if (choice === undefined) return undefined
  if (tools.length === 0 && choice.type !== 'none') {
    return 'tool_choice: tool_choice may only be specified while providing tools'
  }
  const isForced = choice.type === 'any' || choice.type === 'tool'
  if (isForced && !forcedTools) return 'tool_choice: type "tool" and "any" are not supported for this model.'
  if (choice.type === 'tool' && !names.has(choice.name)) {
    return `tool_choice: Tool '${choice.name.slice(0, MAX_SHOWN)}' not found in provided tools`
  }
  return undefined
}

const MAX_BREAKPOINTS = 4

const hosted: ReadonlySet<string> = new Set(hostedBlockTypes)

/** At most four blocks are cached, those for an hour before those for five minutes. */
function cacheProblem(request: CountedRequest): string | undefined {
  let count = 0
  let isShort = false
  for (const [path, control] of cacheControls(request)) {
    count++
    if (control.ttl !== '1h') isShort = true
    else if (isShort) {
      return `${path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: \`tools\`, \`system\`, \`messages\`.`
    }
  }
  return count > MAX_BREAKPOINTS
    ? `A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${count}.`
    : undefined
}

/** All breakpoints of the prompt cache in the order in which the model reads them, with their paths. */
function* cacheControls(request: CountedRequest): Generator<readonly [string, CacheControl]> {
  const { tools = [], system, messages, cache_control: automatic } = request
  for (const [index, { cache_control: control }] of tools.entries()) {
    if (control) yield [`tools.${index}`, control]
  }
  if (typeof system === 'object') yield* controlsOf(system, 'system')
  for (const [index, { content }] of messages.entries()) {
    if (typeof content === 'string') continue
    yield* controlsOf(content, `messages.${index}.content`)
  }
  if (automatic) yield ['', automatic]
}

function* controlsOf(blocks: readonly object[], path: string): Generator<readonly [string, CacheControl]> {
  for (const [index, block] of blocks.entries()) {
    const {
      type,
      content,
      cache_control: control,
    } = block as {
      readonly type?: string
      readonly content?: unknown
      readonly cache_control?: CacheControl | null
    }
    if (hosted.has(type ?? '')) continue
    if (type === 'tool_result' && Array.isArray(content)) {
      yield* controlsOf(content as readonly object[], `${path}.${index}.content`)
    }
    if (control) yield [`${path}.${index}`, control]
  }
}

const withoutBudget =
  'is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'

function thinkingTypeProblem(
  { thinking, output_config: output }: CountedRequest,
  { thinking: accepted, efforts }: ClaudeTraits,
): string | undefined {
  const type = thinking?.type
  if (accepted === 'none' && type !== undefined && type !== 'disabled') {
    return 'thinking is not supported on this model'
  }
  const isAdaptive = accepted === 'adaptive' || accepted === 'always'
  if (type === 'enabled' && isAdaptive) return `"thinking.type.enabled" ${withoutBudget}`
  if (type === 'disabled' && accepted === 'always') return `"thinking.type.disabled" ${withoutBudget}`
  if ((type === 'adaptive' || type === 'between_tools') && accepted === 'budget') {
    return 'adaptive thinking is not supported on this model'
  }
  const effort = output?.effort
  if (!isGiven(effort)) return undefined
  if (efforts.length === 0) return 'This model does not support the effort parameter.'
  return efforts.includes(effort ?? '')
    ? undefined
    : `This model does not support effort level '${effort}'. Supported levels: ${efforts.join(', ')}.`
}

const consult =
  'Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking'

function thinkingProblem(
  { thinking, max_tokens: max, temperature, top_p: topP, top_k: topK, tool_choice: choice }: MessagesRequest,
  { sampling }: ClaudeTraits,
): string | undefined {
  const isOn = thinking?.type === 'enabled' || thinking?.type === 'adaptive'
  if (!isOn) return undefined
  if (thinking.type === 'enabled' && thinking.budget_tokens >= max) {
    return `\`max_tokens\` must be greater than \`thinking.budget_tokens\`. ${consult}#max-tokens-and-context-window-size`
  }
  if (sampling !== 'default') {
    const considerations = `${consult}#important-considerations-when-using-extended-thinking`
    if (temperature !== undefined && temperature !== 1) {
      return `\`temperature\` may only be set to 1 when thinking is enabled or in adaptive mode. ${considerations}`
    }
    if (topP !== undefined && topP < 0.95) {
      return `\`top_p\` must be greater than or equal to 0.95 or unset when thinking is enabled or in adaptive mode. ${considerations}`
    }
    if (topK !== undefined) {
      return `\`top_k\` must be unset when thinking is enabled or in adaptive mode. ${considerations}`
    }
  }
  return thinking.type === 'enabled' && (choice?.type === 'any' || choice?.type === 'tool')
    ? 'Thinking may not be enabled when tool_choice forces tool use.'
    : undefined
}
