/**
 * The annotations of Azure's content filter for text that passes, as JSON in the order of the service's newest era
 * (openllmetry's captures of March 2026).
 */

const safe = '{"filtered":false,"severity":"safe"}'
const undetected = '{"detected":false,"filtered":false}'

/** What the filter says of a completion's text. */
export const safeCompletionFilter = `{"hate":${safe},"protected_material_code":${undetected},"protected_material_text":${undetected},"self_harm":${safe},"sexual":${safe},"violence":${safe}}`

/** What the filter says of one prompt. The service keeps `prompt_index` first here, against its alphabetical order. */
export function safePromptFilter(promptIndex: number): string {
  return `{"prompt_index":${promptIndex},"content_filter_results":{"hate":${safe},"jailbreak":${undetected},"self_harm":${safe},"sexual":${safe},"violence":${safe}}}`
}
