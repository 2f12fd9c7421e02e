import type { PromptCategory } from '../content-filters.ts'
import type { ServiceError } from '../errors.ts'

const safe = '{"filtered":false,"severity":"safe"}'
const harmful = '{"filtered":true,"severity":"high"}'

/**
 * 400: the content filter refuses the prompt of an image. The envelope is not the one of chats: `inner_error` and
 * `type` as in reports of 2025 and 2026 (BerriAI/litellm 16072, 19372).
 */
export function imagePromptFiltered(category: PromptCategory, revisedPrompt: string): ServiceError {
  const found = category === 'jailbreak'
  const results = [
    ...(['hate', 'self_harm', 'sexual', 'violence'] as const).map(
      (name) => `"${name}":${name === category ? harmful : safe}`,
    ),
    `"jailbreak":{"detected":${found},"filtered":${found}}`,
  ]
  return {
    status: 400,
    body: `{"error":{"code":"content_policy_violation","inner_error":{"code":"ResponsibleAIPolicyViolation","content_filter_results":{${results.sort().join(',')}},"revised_prompt":${JSON.stringify(revisedPrompt)}},"message":"Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.","type":"invalid_request_error"}}`,
    contentType: 'application/json',
    headers: 'filter',
  }
}

/** 400: the content filter refuses the image that was made. Code and text are from general knowledge, not captured. */
export function imageFiltered(): ServiceError {
  return {
    status: 400,
    body: '{"error":{"code":"contentFilter","message":"Generated image was filtered as a result of our safety system.","param":null,"type":null}}',
    contentType: 'application/json',
    headers: 'filter',
  }
}
