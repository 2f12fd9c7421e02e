import type { Random } from '../../lib/random.ts'
import { isRecord } from '../../lib/record.ts'
import { codePointLength, obfuscation } from '../sse.ts'
import {
  addedEvent,
  deltaRun,
  deltaWriter,
  doneItemEvent,
  singleEvent,
  type EventRun,
} from './item-events.ts'
import type { HostedOutput } from './hosted-output.ts'

type Members = Readonly<Record<string, unknown>>

/** The text of a call that the model writes token by token. */
interface CallText {
  /** Event name without `.delta` and `.done`. */
  readonly event: string
  /** Field of the `done` event that has the whole text. */
  readonly field: string
  readonly of: (item: Members) => unknown
}

/** The events of an item between `output_item.added` and `output_item.done`, in order. */
interface HostedEvents {
  /** Before the text: `in_progress` of `response.<prefix>.in_progress`. */
  readonly before?: readonly string[]
  readonly text?: CallText
  /** After the text. */
  readonly after?: (item: Members) => readonly string[]
  /** Fields of the item in its first event, where they differ from the whole item. */
  readonly added?: (item: Members) => Members
}

const completed = () => ['completed']
const completedOrFailed = ({ error }: Members) => [
  error === null || error === undefined ? 'completed' : 'failed',
]

/**
 * The events of each item type, in the order of captures: Azure for web search (November 2025), code interpreter (October 2025),
 * images (December 2025) and tool search (March 2026), OpenAI for file search and MCP (2025), OpenAI's specification for the rest.
 * Azure did not send the event `completed` of web searches and images in 2025. The specification has it.
 */
const hostedEvents: Readonly<Record<string, HostedEvents>> = {
  web_search_call: {
    before: ['in_progress', 'searching'],
    after: completed,
    added: ({ action }) => ({ action: { type: isRecord(action) ? action['type'] : 'search' } }),
  },
  file_search_call: {
    before: ['in_progress', 'searching'],
    after: completed,
    added: () => ({ queries: [], results: null }),
  },
  code_interpreter_call: {
    before: ['in_progress'],
    text: { event: 'code_interpreter_call_code', field: 'code', of: ({ code }) => code },
    after: () => ['interpreting', 'completed'],
    added: ({ outputs }) => ({ code: '', outputs: Array.isArray(outputs) ? [] : null }),
  },
  image_generation_call: { before: ['in_progress', 'generating'], after: completed },
  mcp_list_tools: { before: ['in_progress'], after: completedOrFailed, added: () => ({ tools: [] }) },
  mcp_call: {
    before: ['in_progress'],
    text: { event: 'mcp_call_arguments', field: 'arguments', of: ({ arguments: text }) => text },
    after: completedOrFailed,
    added: () => ({ arguments: '', error: null, output: null }),
  },
  apply_patch_call: {
    text: {
      event: 'apply_patch_call_operation_diff',
      field: 'diff',
      of: ({ operation }) => (isRecord(operation) ? operation['diff'] : undefined),
    },
    added: ({ operation }) => ({ operation: isRecord(operation) ? { ...operation, diff: '' } : operation }),
  },
  shell_call: {
    added: ({ action }) => ({ action: isRecord(action) ? { ...action, commands: [] } : action }),
  },
  tool_search_call: { added: () => ({ arguments: {} }) },
}

/** Returns the text of an item that the model writes token by token, or undefined. */
export function hostedText(item: HostedOutput): string | undefined {
  const text = hostedEvents[item.type]?.text?.of({ ...item })
  return typeof text === 'string' ? text : undefined
}

/** Options of the events of an item. */
export interface HostedEventOptions {
  /** The text of the call in tokens; default: one piece. */
  readonly pieces?: readonly string[]
  /** Base64 of the partial images. */
  readonly partialImages?: readonly string[] | undefined
  /** Source of the padding of deltas. Undefined: no padding. */
  readonly noise: Random | undefined
}

/** All events of an item of a tool that the service executes. */
export function hostedItemEvents(
  item: HostedOutput,
  index: number,
  { pieces = [], partialImages = [], noise }: HostedEventOptions,
): EventRun[] {
  const members = item as unknown as Members
  const { before = [], text, after } = hostedEvents[item.type] ?? {}
  const at = { item_id: item.id, output_index: index }
  const stage = (name: string): EventRun => singleEvent(`response.${item.type}.${name}`, () => at)
  return [
    addedEvent(addedHostedItem(item), index),
    ...before.map(stage),
    ...(item.type === 'shell_call' ? commandEvents(members, index, noise) : []),
    ...(text ? textEvents(text, members, at, pieces, noise) : []),
    ...partialImages.map((image, number) => partialImageEvent(members, at, image, number)),
    ...(after?.(members) ?? []).map(stage),
    doneItemEvent(item, index),
  ]
}

/** The item in its first event: in progress, without its results. Items without a status keep none. */
function addedHostedItem(item: HostedOutput): object {
  const members = item as unknown as Members
  const { id, type } = item
  if (type === 'image_generation_call') return { id, type, status: 'in_progress' }
  const added = hostedEvents[type]?.added?.(members)
  return { ...members, ...('status' in members && { status: 'in_progress' }), ...added }
}

interface ItemAddress {
  readonly item_id: string
  readonly output_index: number
}

function textEvents(
  { event, field, of }: CallText,
  item: Members,
  at: ItemAddress,
  pieces: readonly string[],
  noise: Random | undefined,
): EventRun[] {
  const text = of(item)
  if (typeof text !== 'string') return []
  const delta = deltaWriter(`response.${event}.delta`, at, '', noise)
  const written = pieces.length > 0 || text === '' ? pieces : [text]
  return [deltaRun(delta, written), singleEvent(`response.${event}.done`, () => ({ ...at, [field]: text }))]
}

/** The commands of a shell. Their events have no `item_id` (OpenAI's specification). */
function commandEvents({ action }: Members, index: number, noise: Random | undefined): EventRun[] {
  const commands = isRecord(action) && Array.isArray(action['commands']) ? action['commands'] : []
  return commands.flatMap((command: unknown, number) => {
    const at = { output_index: index, command_index: number }
    const name = 'response.shell_call_command'
    return [
      singleEvent(`${name}.added`, () => ({ ...at, command: '' })),
      singleEvent(`${name}.delta`, () => ({ ...at, delta: command, ...paddingOf(String(command), noise) })),
      singleEvent(`${name}.done`, () => ({ ...at, command })),
    ]
  })
}

/** The padding of a delta, of which the length with the text is a multiple of 16 code points. */
function paddingOf(text: string, noise: Random | undefined): object {
  return noise ? { obfuscation: obfuscation(noise, codePointLength(text) + 1) } : {}
}

function partialImageEvent(item: Members, at: ItemAddress, image: string, number: number): EventRun {
  const { size, quality, background, output_format: format } = item
  return singleEvent('response.image_generation_call.partial_image', () => ({
    ...at,
    partial_image_index: number,
    partial_image_b64: image,
    size,
    quality,
    background,
    output_format: format,
  }))
}
