import type { PromptCategory } from '../content-filters.ts'
import { gatewayError, type ServiceError } from '../errors.ts'

/**
 * 400: the content filter refuses the prompt of an image. The envelope is not the one of chats: `inner_error` and
 * `type` as in reports of 2025 and 2026 (BerriAI/litellm 16072, 19372).
 */
export function imagePromptFiltered(category: PromptCategory, revisedPrompt: string): ServiceError {
  return {
    status: 400,
    code: 'content_policy_violation',
    type: 'invalid_request_error',
    message:
      'Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.',
    param: null,
    inner: { category, revisedPrompt },
    layer: 'filter',
    envelope: 'sorted',
  }
}

/** 400: the content filter refuses the image that was made. Code and text are from general knowledge, not captured. */
export function imageFiltered(): ServiceError {
  const message = 'Generated image was filtered as a result of our safety system.'
  return gatewayError('filter', 400, 'contentFilter', message, 'sorted')
}

/**
 * The annotations of Azure's content filter for images that pass, as JSON (Azure/azure-rest-api-specs,
 * `dalleContentFilterResults` and `dalleFilterResults`; order of the service's newest era).
 */

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** What the filter says of a generated image. */
export const safeImageFilter = `{"hate":${safe},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`

/** What the filter says of the prompt of an image; unlike a chat's, it looks for profanity. */
export const safeImagePromptFilter = `{"hate":${safe},"profanity":${undetected},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`
