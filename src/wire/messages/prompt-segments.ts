import type { TokenCounter } from '../../tokens/encoding.ts'
import { base64Bytes } from '../media/media-url.ts'
import { imageSize, pictureInBase64, type ImageSize } from '../media/picture.ts'
import { claudeTraits, type ClaudeTraits } from '../models/claude-traits.ts'
import type { Model } from '../models/models.ts'
import { clientToolName, clientToolSchema, isFunctionTool } from './anthropic-tools.ts'
import { blocksOf } from './check-conversation.ts'
import type {
  CacheControl,
  ContentBlockParam,
  CountedRequest,
  DocumentBlockParam,
  ImageBlockParam,
  MessagesTool,
  ToolUseBlockParam,
} from './messages-request.ts'

/**
 * The prompt in the order in which the model reads it. Token counts are estimates, because the tokenizer of Claude is not public: the
 * tokens of o200k_base, multiplied by a factor, and constants for everything around the texts. Both are fitted to public bills of 2025 and
 * 2026 (`prompt-segments.test.ts`).
 */
export interface PromptSegment {
  /** What distinguishes it from other segments, for the prompt cache. */
  readonly text: string
  /** Estimated tokens, with fractions. */
  readonly tokens: number
  /** The prefix up to here is cached. */
  readonly control?: CacheControl | undefined
  /** Whether a prefix can end here. */
  readonly isBlock: boolean
}

/** Tokens of a tokenizer for one of o200k_base, and constants around texts. */
interface TokenRates {
  readonly factor: number
  /** Of a prompt, besides its texts. */
  readonly base: number
  /** Of the end of an answer. */
  readonly end: number
  /** Instructions for tools: with a free choice, and with a forced one. */
  readonly tools: number
  readonly forcedTools: number
  /** The same if no tool has parameters. */
  readonly plainTools: number
}

const rates: Readonly<Record<ClaudeTraits['tokenizer'], TokenRates>> = {
  'claude-4': { factor: 1.08, base: 7, end: 3, tools: 497, forcedTools: 589, plainTools: 315 },
  'claude-4-7': { factor: 1.3, base: 4, end: 2, tools: 675, forcedTools: 804, plainTools: 430 },
}

/** Each message after the first. */
const PER_MESSAGE = 3
const PER_TOOL = 10
const PER_CALL = 22
const PER_PARAMETER = 12
const PER_RESULT = 24
/** Instructions for thinking with a budget: a prompt of 14 tokens was billed as 43 (claude-sonnet-4, 2025). */
const WITH_BUDGET = 29
/** Instructions for a schema. Assumed. */
const WITH_FORMAT = 30

/** Returns the rates of the tokenizer of a model. */
export function tokenRates(model: Model): TokenRates {
  return rates[claudeTraits(model).tokenizer]
}

/** Returns the tokens of all segments. */
export function totalOf(segments: readonly PromptSegment[]): number {
  let tokens = 0
  for (const segment of segments) tokens += segment.tokens
  return Math.round(tokens)
}

/** Returns the prompt of a request in segments. Each text is counted once. */
export function promptSegments(
  request: CountedRequest,
  model: Model,
  counter: TokenCounter,
): readonly PromptSegment[] {
  const traits = claudeTraits(model)
  const { factor, base } = tokenRates(model)
  const segments: PromptSegment[] = []
  const tokensOf = (text: string): number => factor * counter.count(text)
  const add = (text: string, tokens: number, control?: CacheControl | null, isBlock = true): void => {
    segments.push({ text, tokens, control: control ?? undefined, isBlock })
  }
  const frame = (text: string, tokens: number): void => add(text, tokens, undefined, false)

  const { tools = [], tool_choice: choice, system, messages, thinking, output_config: output } = request
  if (tools.length > 0) frame(`<tools ${choice?.type ?? 'auto'}>`, instructionsOf(tools, request, model))
  for (const tool of tools) {
    const text = toolText(tool)
    add(text, PER_TOOL + tokensOf(text), tool.cache_control)
  }
  if (output?.format) {
    const text = JSON.stringify(output.format.schema)
    frame(text, WITH_FORMAT + tokensOf(text))
  }
  if (system !== undefined && system.length > 0) {
    frame('<system>', 0)
    for (const block of blocksOf({ content: system })) {
      if (block.type === 'text') add(block.text, tokensOf(block.text), block.cache_control)
    }
  }
  // A change of thinking keeps the prefix of tools and system.
  frame(`<messages ${thinking?.type ?? ''}>`, base + (thinking?.type === 'enabled' ? WITH_BUDGET : 0))
  for (const [index, message] of messages.entries()) {
    frame(`<${message.role}>`, index === 0 ? 0 : PER_MESSAGE)
    for (const block of blocksOf(message)) {
      const { text, tokens } = blockSegment(block, tokensOf, traits)
      add(text, tokens, 'cache_control' in block ? block.cache_control : undefined)
    }
  }
  return request.cache_control ? withAutomaticControl(segments, request.cache_control) : segments
}

/** The last block without a breakpoint gets this one. */
function withAutomaticControl(segments: PromptSegment[], control: CacheControl): readonly PromptSegment[] {
  const index = segments.findLastIndex(({ isBlock }) => isBlock)
  const last = segments[index]
  if (last && !last.control) segments[index] = { ...last, control }
  return segments
}

function instructionsOf(
  tools: readonly MessagesTool[],
  { tool_choice: choice }: CountedRequest,
  model: Model,
): number {
  const { plainTools, forcedTools, tools: free } = tokenRates(model)
  const hasParameters = tools.some((tool) => Object.keys(parametersOf(tool)).length > 0)
  const isForced = choice?.type === 'any' || choice?.type === 'tool'
  if (!hasParameters) return plainTools + (isForced ? forcedTools - free : 0)
  return isForced ? forcedTools : free
}

function parametersOf(tool: MessagesTool): object {
  const { properties } = clientToolSchema(tool)
  return typeof properties === 'object' && properties !== null ? properties : {}
}

function toolText(tool: MessagesTool): string {
  const description = isFunctionTool(tool) ? (tool.description ?? '') : ''
  return JSON.stringify({ name: clientToolName(tool), description, input_schema: clientToolSchema(tool) })
}

type Count = (text: string) => number

interface Counted {
  readonly text: string
  readonly tokens: number
}

function blockSegment(block: ContentBlockParam, tokensOf: Count, traits: ClaudeTraits): Counted {
  switch (block.type) {
    case 'text':
      return { text: block.text, tokens: tokensOf(block.text) }
    case 'image':
      return { text: imageText(block), tokens: imageTokens(block, traits) }
    case 'document':
      return documentSegment(block, tokensOf, traits)
    case 'search_result': {
      const texts = [block.source, block.title, ...block.content.map(({ text }) => text)]
      return { text: texts.join('\n'), tokens: sum(texts.map(tokensOf)) }
    }
    case 'thinking':
      return { text: block.thinking + block.signature, tokens: tokensOf(block.thinking) }
    case 'redacted_thinking':
      return { text: block.data, tokens: 0 }
    case 'tool_use':
      return callSegment(block, tokensOf)
    case 'tool_result': {
      const parts = block.content === undefined ? [] : blocksOf({ content: block.content })
      const counted = parts.map((part) => blockSegment(part, tokensOf, traits))
      const text = counted.map((part) => part.text).join('\n')
      return { text: block.tool_use_id + text, tokens: PER_RESULT + sum(counted.map(({ tokens }) => tokens)) }
    }
    default: {
      const text = JSON.stringify(block)
      return { text, tokens: tokensOf(text) }
    }
  }
}

function sum(values: readonly number[]): number {
  let total = 0
  for (const value of values) total += value
  return total
}

function callSegment({ id, name, input }: ToolUseBlockParam, tokensOf: Count): Counted {
  const tokens = PER_CALL + tokensOf(name) + inputTokens(input, tokensOf)
  return { text: id + name + JSON.stringify(input), tokens }
}

/** Returns the tokens of the input of a call: its names and values, and the frame of each parameter. */
export function inputTokens(input: unknown, tokensOf: Count): number {
  if (typeof input !== 'object' || input === null) return 0
  let tokens = 0
  for (const [name, value] of Object.entries(input)) {
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
    tokens += PER_PARAMETER + tokensOf(name) + tokensOf(text)
  }
  return tokens
}

/** Pixels of a token (Anthropic, "Vision"). */
const PIXELS_PER_TOKEN = 750

/** For images without a known size: those at an address. */
const assumedSize: ImageSize = { width: 1_024, height: 1_024 }

/** Images with a longer side or more tokens are scaled down. */
function imageTokens({ source }: ImageBlockParam, { image }: ClaudeTraits): number {
  const known =
    source.type === 'base64'
      ? pictureInBase64(source.data, 0)?.size
      : source.type === 'url'
        ? imageSize(source.url)
        : undefined
  const { width, height } = known ?? assumedSize
  const scale = Math.min(1, image.side / Math.max(width, height))
  return Math.max(1, Math.min(image.tokens, Math.ceil((width * height * scale * scale) / PIXELS_PER_TOKEN)))
}

/** Images and files can have megabytes of data, so only both ends and the length are compared. */
function imageText({ source }: ImageBlockParam): string {
  if (source.type === 'base64') return shortened(source.data)
  return source.type === 'url' ? shortened(source.url) : source.file_id
}

const COMPARED_LENGTH = 256

function shortened(data: string): string {
  return `${data.slice(0, COMPARED_LENGTH)}${data.slice(-COMPARED_LENGTH)}${data.length}`
}

/** A page costs its text and its image (Anthropic, "PDF support": 1,500 to 3,000 tokens of text). */
const TOKENS_PER_PAGE = 2_000
/** Pages of larger files are estimated from their size. In bytes. */
const MAX_SEARCHED_BYTES = 2_000_000
const BYTES_PER_PAGE = 50_000

function documentSegment(
  { source, title, context }: DocumentBlockParam,
  tokensOf: Count,
  traits: ClaudeTraits,
): Counted {
  const around = `${title ?? ''}\n${context ?? ''}`
  const own = title || context ? tokensOf(around) : 0
  switch (source.type) {
    case 'text':
      return { text: around + source.data, tokens: own + tokensOf(source.data) }
    case 'content': {
      const counted = blocksOf({ content: source.content }).map((part) =>
        blockSegment(part, tokensOf, traits),
      )
      const text = counted.map((part) => part.text).join('\n')
      return { text: around + text, tokens: own + sum(counted.map(({ tokens }) => tokens)) }
    }
    case 'base64':
      return { text: around + shortened(source.data), tokens: own + pagesOf(source.data) * TOKENS_PER_PAGE }
    default:
      return {
        text: around + ('url' in source ? source.url : source.file_id),
        tokens: own + TOKENS_PER_PAGE,
      }
  }
}

function pagesOf(data: string): number {
  const bytes = base64Bytes(data.length)
  if (bytes > MAX_SEARCHED_BYTES) return Math.ceil(bytes / BYTES_PER_PAGE)
  const found = Buffer.from(data, 'base64')
    .toString('latin1')
    .match(/\/Type\s*\/Page(?![a-zA-Z])/g)
  return Math.max(1, found?.length ?? 0)
}
