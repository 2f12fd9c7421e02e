import { isRecord } from '../../lib/record.ts'
import {
  anything,
  arrayOf,
  boolean,
  decimalBetween,
  idOf,
  integerBetween,
  objectOf,
  oneOf,
  optional,
  required,
  text,
  textOrArray,
  textOrObject,
  type Field,
} from '../validation/checks.ts'
import { createFault, plainFault, wrongType, type Check, type Rule } from '../validation/fault.ts'
import { imageFormat } from '../images/image-request.ts'
import type { ResponsesRequest } from './responses-request.ts'

const tool = (...fields: readonly Field[]): Check =>
  objectOf([required('type', anything), ...fields], 'ignore')
const object = (...fields: readonly Field[]): Check => objectOf(fields, 'ignore')
const texts = arrayOf(text(), { expected: 'an array of strings' })

const webSearchFields = [
  optional('search_context_size', oneOf('low', 'medium', 'high')),
  optional(
    'user_location',
    object(
      optional('type', oneOf('approximate')),
      optional('city', text()),
      optional('country', text()),
      optional('region', text()),
      optional('timezone', text()),
    ),
  ),
]
const webSearch = tool(...webSearchFields, optional('filters', object(optional('allowed_domains', texts))))
const webSearchPreview = tool(
  ...webSearchFields,
  optional(
    'search_content_types',
    arrayOf(oneOf('text', 'image'), { expected: "an array of one of 'text' or 'image'" }),
  ),
)

const fileSearch = tool(
  required('vector_store_ids', arrayOf(idOf('vs'), { expected: 'an array of strings', min: 1 })),
  optional('max_num_results', integerBetween(1, 50)),
  optional('filters', object()),
  optional(
    'ranking_options',
    object(
      optional('ranker', oneOf('auto', 'default-2024-11-15')),
      optional('score_threshold', decimalBetween(0, 1)),
      optional('hybrid_search', object()),
    ),
  ),
)

const codeInterpreter = tool(
  required(
    'container',
    textOrObject(
      'one of a string or object',
      idOf('cntr'),
      object(
        required('type', oneOf('auto')),
        optional('file_ids', texts),
        optional('memory_limit', oneOf('1g', '4g', '16g', '64g')),
        optional('network_policy', object()),
      ),
    ),
  ),
)

const imageGeneration = tool(
  optional('action', oneOf('generate', 'edit', 'auto')),
  optional('background', oneOf('transparent', 'opaque', 'auto')),
  optional('input_fidelity', oneOf('high', 'low')),
  optional('input_image_mask', object()),
  optional('model', text()),
  optional('moderation', oneOf('auto', 'low')),
  optional('output_compression', integerBetween(0, 100)),
  optional('output_format', imageFormat),
  optional('partial_images', integerBetween(0, 3)),
  optional('quality', oneOf('low', 'medium', 'high', 'xhigh', 'max', 'auto')),
  optional('size', imageSize),
)

/** The sizes of gpt-image-1, or any width and height up to 3840 for later models. */
function imageSize(value: unknown): ReturnType<Check> {
  if (typeof value !== 'string') return wrongType('a string', value)
  const [width = 0, height = 0] = value.split('x', 2).map(Number)
  const isSize = /^\d{2,4}x\d{2,4}$/.test(value) && Math.max(width, height) <= MAX_IMAGE_SIDE
  return isSize ? undefined : oneOf('1024x1024', '1024x1536', '1536x1024', 'auto')(value)
}

const MAX_IMAGE_SIDE = 3_840

const mcpAddresses = ['server_url', 'connector_id', 'tunnel_id']
const toolFilter = object(optional('read_only', boolean), optional('tool_names', texts))
const mcpFields = tool(
  required('server_label', text({ minLength: 1 })),
  optional('server_url', text()),
  optional('connector_id', text()),
  optional('tunnel_id', text()),
  optional('server_description', text()),
  optional('authorization', text()),
  optional('headers', object()),
  optional('allowed_tools', (value) =>
    Array.isArray(value) ? textOrArray('an array of strings', texts, texts)(value) : toolFilter(value),
  ),
  optional(
    'require_approval',
    textOrObject(
      'one of a string or object',
      oneOf('always', 'never'),
      object(optional('always', toolFilter), optional('never', toolFilter)),
    ),
  ),
)

/** A remote server needs an address (public captures of the error, 2026). */
const mcp: Check = (value) => {
  const fault = mcpFields(value)
  if (fault !== undefined || !isRecord(value)) return fault
  if (mcpAddresses.some((name) => typeof value[name] === 'string')) return undefined
  return createFault(
    'missing_mutually_exclusive_parameters',
    (path) =>
      `Missing mutually exclusive parameters: '${path}'. Ensure you are providing exactly one of: 'server_url', 'connector_id', or 'tunnel_id'.`,
  )
}

const side = integerBetween(1, Infinity)
const computerUsePreview = tool(
  required('display_width', side),
  required('display_height', side),
  required('environment', oneOf('windows', 'mac', 'linux', 'ubuntu', 'browser')),
)

const shell = tool(
  optional(
    'environment',
    object(
      required('type', oneOf('container_auto', 'container_reference', 'local')),
      optional('container_id', idOf('cntr')),
    ),
  ),
)

const toolSearch = tool(
  optional('execution', oneOf('client', 'server')),
  optional('description', text()),
  optional('parameters', object()),
)

/** The checks of the tools that the service executes, or that have their own kind of call. Unknown fields are ignored. */
export const hostedTools: readonly (readonly [type: string, check: Check])[] = [
  ['apply_patch', tool()],
  ['code_interpreter', codeInterpreter],
  ['computer', tool()],
  ['computer_use_preview', computerUsePreview],
  ['file_search', fileSearch],
  ['image_generation', imageGeneration],
  ['local_shell', tool()],
  ['mcp', mcp],
  ['programmatic_tool_calling', tool()],
  ['shell', shell],
  ['tool_search', toolSearch],
  ['web_search', webSearch],
  ['web_search_2025_08_26', webSearch],
  ['web_search_preview', webSearchPreview],
  ['web_search_preview_2025_03_11', webSearchPreview],
]

/** Tools that need support of the model: `commandTools`. The simulator has no programs that call tools. */
const checkedTools: ReadonlySet<string> = new Set([
  'apply_patch',
  'local_shell',
  'programmatic_tool_calling',
  'shell',
])

/** The model supports each tool (public capture of the error for `shell` on gpt-4o-mini, 2026). */
export const toolsFitModel: Rule = (body, model) => {
  for (const { type } of (body as unknown as ResponsesRequest).tools ?? []) {
    if (checkedTools.has(type) && !model.capabilities.commandTools.includes(type)) {
      return plainFault('tools', `Tool '${type}' is not supported with ${model.versionedName}.`)
    }
  }
  return undefined
}

/** The documentation requires the truncation. The text of the error is not captured. */
export const computerNeedsTruncation: Rule = (body) => {
  const { tools, truncation } = body as unknown as ResponsesRequest
  if (truncation === 'auto' || !tools?.some(({ type }) => type === 'computer_use_preview')) return undefined
  return plainFault(
    'truncation',
    "Invalid value for 'truncation': the 'computer_use_preview' tool requires 'truncation' to be 'auto'.",
    'invalid_value',
  )
}
