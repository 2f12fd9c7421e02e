import { isWebAddress } from '../media/media-url.ts'
import { pictureInBase64 } from '../media/picture.ts'
import { blocksOf } from './check-conversation.ts'
import type {
  ContentBlockParam,
  CountedRequest,
  DocumentBlockParam,
  ImageBlockParam,
} from './messages-request.ts'

/** Largest image, in bytes of base64, as the service measures it. */
const MAX_IMAGE_BYTES = 5_242_880

/** Sides of larger images are refused, in pixels; of requests with more than 20 images, from the second limit on. */
const MAX_SIDE = 8_000
const MAX_SIDE_OF_MANY = 2_000
const MANY_IMAGES = 20

const MAX_IMAGES = 600

/** Returns what is wrong with the images and documents of a request. Nothing is fetched. Texts are from public reports, 2024 to 2026. */
export function mediaProblem({ messages }: CountedRequest): string | undefined {
  const found = [...mediaOf(messages)]
  const images = found.filter(([, { type }]) => type === 'image').length
  if (images > MAX_IMAGES) return `messages: too many images and documents: ${images} > ${MAX_IMAGES}`
  for (const [path, block] of found) {
    const problem =
      block.type === 'image' ? imageProblem(block, path, images > MANY_IMAGES) : documentProblem(block, path)
    if (problem !== undefined) return problem
  }
  return undefined
}

type Media = ImageBlockParam | DocumentBlockParam

/** The images and documents of messages and of results, with their paths. */
function* mediaOf(messages: CountedRequest['messages']): Generator<readonly [string, Media]> {
  for (const [index, message] of messages.entries())
    yield* inBlocks(blocksOf(message), `messages.${index}.content`)
}

function* inBlocks(blocks: readonly ContentBlockParam[], path: string): Generator<readonly [string, Media]> {
  for (const [index, block] of blocks.entries()) {
    if (block.type === 'image' || block.type === 'document') yield [`${path}.${index}.${block.type}`, block]
    else if (block.type === 'tool_result' && typeof block.content === 'object') {
      yield* inBlocks(block.content, `${path}.${index}.tool_result.content`)
    }
  }
}

const files = 'The Files API is not supported for this deployment.'
const address = 'Only HTTP and HTTPS URLs are supported.'
const base64Start = /^[A-Za-z0-9+/\s]*={0,2}\s*$/

/** Characters of base64 that are checked. The rest of a large file is not read. */
const CHECKED_LENGTH = 65_536

function imageProblem({ source }: ImageBlockParam, path: string, isMany: boolean): string | undefined {
  if (source.type === 'file') return `${path}.source.file: ${files}`
  if (source.type === 'url')
    return isWebAddress(source.url) ? undefined : `${path}.source.url.url: ${address}`
  const { data, media_type: type } = source
  const at = `${path}.source.base64`
  if (data === '') return `${at}: image cannot be empty`
  if (!base64Start.test(data.slice(0, CHECKED_LENGTH))) return `${at}.data: Invalid base64 data`
  if (data.length > MAX_IMAGE_BYTES) {
    return `${at}: image exceeds 5 MB maximum: ${data.length} bytes > ${MAX_IMAGE_BYTES} bytes`
  }
  const picture = pictureInBase64(data, 0)
  if (!picture) return 'Could not process image'
  if (`image/${picture.format}` !== type) return `${at}: Image does not match the provided media type ${type}`
  const side = Math.max(picture.size?.width ?? 0, picture.size?.height ?? 0)
  if (side > MAX_SIDE) {
    return `${at}.data: At least one of the image dimensions exceed max allowed size: ${MAX_SIDE} pixels`
  }
  return isMany && side > MAX_SIDE_OF_MANY
    ? `${at}.data: At least one of the image dimensions exceed max allowed size for many-image requests: ${MAX_SIDE_OF_MANY} pixels`
    : undefined
}

/** The first characters of a PDF file in base64: `%PDF`. */
const PDF_START = 'JVBER'

function documentProblem({ source }: DocumentBlockParam, path: string): string | undefined {
  if (source.type === 'file') return `${path}.source.file: ${files}`
  if (source.type === 'url')
    return isWebAddress(source.url) ? undefined : `${path}.source.url.url: ${address}`
  if (source.type !== 'base64') return undefined
  if (!base64Start.test(source.data.slice(0, CHECKED_LENGTH)))
    return `${path}.source.base64.data: Invalid base64 data`
  return source.data.trimStart().startsWith(PDF_START)
    ? undefined
    : `${path}.source.base64.data: The PDF specified was not valid.`
}
