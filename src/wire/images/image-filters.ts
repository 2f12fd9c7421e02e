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
