import { isRecord } from '../../lib/record.ts'
import { FieldError } from '../read-fields.ts'

/**
 * The path of the OpenAI API to which a body belongs, for tools that do not store addresses.
 *
 * @throws {FieldError} if no path fits
 */
export function guessPath(body: Uint8Array | undefined): string {
  const members = membersOf(body)
  const has = (name: string): boolean => Object.hasOwn(members, name)
  if (has('messages')) return '/v1/chat/completions'
  if (has('input')) {
    if (has('voice')) return '/v1/audio/speech'
    const isEmbedding =
      has('encoding_format') || has('dimensions') || /embedding|ada-002/i.test(String(members['model']))
    return isEmbedding ? '/v1/embeddings' : isModeration(members) ? '/v1/moderations' : '/v1/responses'
  }
  // A stored prompt.
  if (isRecord(members['prompt'])) return '/v1/responses'
  if (has('prompt'))
    return /dall-e|image/i.test(String(members['model'])) ? '/v1/images/generations' : '/v1/completions'
  throw new FieldError('the address of the request was removed, and its body does not show the operation')
}

function isModeration(members: Readonly<Record<string, unknown>>): boolean {
  return /moderation/i.test(String(members['model']))
}

function membersOf(body: Uint8Array | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body ?? []).toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
