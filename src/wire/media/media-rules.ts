import { isRecord } from '../../lib/record.ts'
import { voices } from '../audio/speech-request.ts'
import type { ChatMessage, ContentPart } from '../chat/chat-request.ts'
import type { Model } from '../models/models.ts'
import { isMessage, type ResponsesItem, type ResponsesPart } from '../responses/responses-item.ts'
import { objectOf, oneOf, required } from '../validation/checks.ts'
import { missing, plainFault, type Check, type Fault, type JsonObject } from '../validation/fault.ts'
import { base64Bytes } from './media-url.ts'

/** Pictures of a request (Microsoft Learn, "Quotas and limits"; azure-rest-api-specs#46145, 2026-09). */
const MAX_PICTURES = 50

/** All pictures of a response request together: 50 MB (OpenAI, "Images and vision"). */
const MAX_PICTURE_BYTES = 50 * 1024 * 1024

/** Captured with the Responses API. */
function tooManyPictures(): Fault {
  return plainFault('input', `Exceeded maximum number of images (${MAX_PICTURES}) allowed in the request.`)
}

/** Checks that the model accepts the parts of the messages, and the number of pictures. Each message must be valid on its own. */
export function chatMediaFault(messages: readonly ChatMessage[], model: Model): Fault | undefined {
  let pictures = 0
  for (const [message, { content }] of messages.entries()) {
    if (typeof content === 'string' || !content) continue
    for (const [part, { type }] of content.entries()) {
      if (type === 'image_url') pictures++
      const fault = unsupportedPart(type, message, part, model)
      if (fault) return fault
    }
  }
  return pictures > MAX_PICTURES ? tooManyPictures() : undefined
}

function unsupportedPart(type: string, message: number, part: number, model: Model): Fault | undefined {
  const { vision, audioInput, chatFiles } = model.capabilities
  switch (type) {
    case 'image_url':
      return vision ? undefined : unsupportedContent(type, message, part)
    // The text is that for pictures, which is captured.
    case 'input_audio':
      return audioInput ? undefined : unsupportedContent(type, message, part)
    case 'file':
      if (chatFiles) return undefined
      return plainFault(
        `messages[${message}].content[${part}].type`,
        "Invalid Value: 'file'. This model does not support file content types.",
        'invalid_value',
      )
    default:
      return undefined
  }
}

function unsupportedContent(type: string, message: number, part: number): Fault {
  return plainFault(
    `messages.[${message}].content.[${part}].type`,
    `Invalid content type. ${type} is only supported by certain models.`,
  )
}

/** Checks that the model accepts the pictures and files of the input, and their number. Each item must be valid on its own. */
export function responsesMediaFault(
  input: string | readonly ResponsesItem[],
  model: Model,
): Fault | undefined {
  if (typeof input === 'string') return undefined
  let pictures = 0
  let bytes = 0
  for (const [index, item] of input.entries()) {
    const field = isMessage(item) ? 'content' : 'output'
    const parts = partsOf(item)
    // It has one screenshot.
    if (!isMessage(item) && item.type === 'computer_call_output') pictures++
    for (const [position, part] of parts.entries()) {
      if (part.type === 'input_image' || part.type === 'computer_screenshot') {
        pictures++
        if (part.image_url?.startsWith('data:')) bytes += base64Bytes(part.image_url.length)
        if (!model.capabilities.vision) return pictureUnsupported(model)
      } else if (part.type === 'input_file' && !model.capabilities.files) {
        return fileUnsupported(`input[${index}].${field}[${position}]`)
      }
    }
  }
  if (pictures > MAX_PICTURES) return tooManyPictures()
  return bytes > MAX_PICTURE_BYTES ? picturesTooLarge(bytes) : undefined
}

function partsOf(item: ResponsesItem): readonly ResponsesPart[] {
  if (isMessage(item)) return typeof item.content === 'string' ? [] : item.content
  if (item.type !== 'function_call_output' && item.type !== 'custom_tool_call_output') return []
  return typeof item.output === 'string' ? [] : item.output
}

/** Captured in 2026 with a model of another provider on Azure. */
function pictureUnsupported({ name }: Model): Fault {
  return plainFault(
    'input',
    `Model '${name}' does not support image inputs. Try again with a vision model. To find out which models are vision-enabled, visit our our models documentation: https://platform.openai.com/docs/models`,
  )
}

/** The text is that of chat, where it is captured. */
function fileUnsupported(param: string): Fault {
  return plainFault(
    param,
    "Invalid Value: 'input_file'. This model does not support file content types.",
    'invalid_value',
  )
}

/** open-webui#26967 (2026-07). The code is not captured. */
function picturesTooLarge(bytes: number): Fault {
  const megabytes = (bytes / 1024 / 1024).toFixed(1)
  return plainFault('input', `Total image size is ${megabytes}MB, which exceeds the allowed limit of 50.0MB.`)
}

/** `audio` of a chat request: voice and format of a spoken answer. */
export const audioField: Check = objectOf([
  required('voice', oneOf(...voices)),
  required('format', oneOf('wav', 'aac', 'mp3', 'flac', 'opus', 'pcm16')),
])

/** Formats of the service for which the simulator has no encoder. */
const otherFormats: ReadonlySet<unknown> = new Set(['aac', 'flac', 'opus'])

/**
 * Checks `modalities` and `audio` of a chat request. `audio` without the modality is accepted, as on the service (a capture of 2025).
 * The texts for a model without audio answers and for `audio` as the only modality are not captured.
 */
export function audioAnswerFault(body: JsonObject, { capabilities }: Model): Fault | undefined {
  const { modalities, audio, stream, messages } = body
  const asked = Array.isArray(modalities) && modalities.includes('audio') ? modalities : undefined
  if (!asked) {
    return capabilities.audioInput && !(messages as readonly ChatMessage[]).some(hasAudio)
      ? audioRequired()
      : undefined
  }
  if (!capabilities.audioOutput) {
    return unsupportedValue('modalities', "'audio' with this model. Supported values are: 'text'.")
  }
  if (!asked.includes('text')) {
    return plainFault(
      'modalities',
      "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['text', 'audio'].",
      'invalid_value',
    )
  }
  if (!isRecord(audio)) return missing('.audio')
  const { format } = audio as { readonly format?: unknown }
  if (stream === true && format !== 'pcm16') {
    return unsupportedValue(
      'audio.format',
      `'${String(format)}' when stream=true. Supported values are: 'pcm16'.`,
    )
  }
  if (!otherFormats.has(format)) return undefined
  return unsupportedValue(
    'audio.format',
    `'${String(format)}' in this simulator. Supported values are: 'mp3', 'wav', and 'pcm16'.`,
  )
}

function hasAudio({ role, content, audio }: ChatMessage): boolean {
  if (role === 'assistant' && audio) return true
  return Array.isArray(content) && content.some(({ type }: ContentPart) => type === 'input_audio')
}

function unsupportedValue(param: string, rest: string): Fault {
  return plainFault(param, `Unsupported value: '${param}' does not support ${rest}`, 'unsupported_value')
}

/** Public reports on Azure and OpenAI, 2025 and 2026. */
function audioRequired(): Fault {
  return plainFault(
    'model',
    'This model requires that either input content or output modality contain audio.',
    'invalid_value',
  )
}
