import { guid } from '../../wire/ids.ts'
import { crc32 } from 'node:zlib'
import { countEditedImage } from '../../wire/chat/image-tokens.ts'
import { malformedForm, type ServiceError } from '../../wire/errors.ts'
import { type ImageEditRequest, parseImageEditRequest } from '../../wire/images/image-edit-request.ts'
import { type ImageRequest, parseImageRequest, supportsFreeSizes } from '../../wire/images/image-request.ts'
import type { ImageSize } from '../../wire/media/picture.ts'
import type { Model } from '../../wire/models/models.ts'
import type { Addressed, Exchange } from '../../pipeline/exchange.ts'
import { originOf } from '../../pipeline/origin.ts'
import { eventsOfModel, jsonOfModel, modelReply, refuse } from '../../pipeline/reply-headers.ts'
import { listedEvents, textBody } from '../../answer/body.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { loadEncoding } from '../../tokens/encoding.ts'
import { judgeContent } from '../content-filter.ts'
import { hashText } from '../text-features.ts'
import {
  imageFiltered,
  imageFormExpected,
  imagePromptFiltered,
  imageTokensOf,
  parseSize,
  renderDalleImage,
  renderImageEvent,
  renderImages,
  type ImageFacts,
} from '../../wire/images/write-images.ts'
import { createImageUrl, type PictureSpec } from './image-url.ts'
import { paint } from './paint.ts'
import { yieldToEventLoop } from '../../lib/real-timers.ts'

const defaultSize = '1024x1024'

/** Answers an image request with pictures that show their prompt. */
export async function generateImages(exchange: Addressed): Promise<Reply> {
  const { model } = exchange.deployment
  const parsed = parseImageRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const harm = harmError(request, exchange)
  if (harm) return refuse(harm)
  const isDalle = model.name === 'dall-e-3'
  return isDalle ? answerDalle(exchange, request, model.name) : answerGptImage(exchange, request, model.name)
}

/** Answers a request for an edited image with pictures that show their prompt and depend on the pictures of the request. */
export async function generateImageEdits(exchange: Addressed): Promise<Reply> {
  const { model } = exchange.deployment
  if (!exchange.isForm) return refuse(imageFormExpected(exchange.headers['content-type']))
  if (!exchange.form) return refuse(malformedForm())
  const parsed = parseImageEditRequest(exchange.form, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const harm = harmError(request, exchange)
  if (harm) return refuse(harm)
  return answerGptImage(exchange, request, model.name, sourceOf(request, model))
}

/** The error for harm that the content filter finds in the prompt or in the picture. */
function harmError({ prompt }: ImageRequest, { config }: Exchange): ServiceError | undefined {
  const verdict = judgeContent([prompt], config)
  if (verdict.kind === 'pass') return undefined
  return verdict.kind === 'prompt' ? imagePromptFiltered(verdict.category, prompt) : imageFiltered()
}

/** The pictures that an answer edits. */
interface ImageSource {
  /** Tokens of all pictures and the mask. */
  readonly tokens: number
  /** Differs for other pictures. */
  readonly key: string
  /** Part of the caption. */
  readonly label: string
  /** Size of an answer with the size `auto`. */
  readonly size: string
}

function sourceOf({ images, mask, input_fidelity: asked }: ImageEditRequest, model: Model): ImageSource {
  const fidelity = supportsFreeSizes(model) ? 'high' : (asked ?? 'low')
  const all = mask ? [...images, mask] : images
  let tokens = 0
  for (const { size } of all) tokens += countEditedImage(size, fidelity)
  const count = images.length === 1 ? '' : `of ${images.length} images `
  return {
    tokens,
    key: `${fidelity} ${mask !== undefined} ${all.map(({ bytes }) => crc32(bytes)).join(' ')}`,
    label: ` edit ${count}${mask ? 'with a mask ' : ''}`,
    size: closestSize(images[0]?.size),
  }
}

/** The service chooses the size. The simulator uses the orientation of the first picture. */
function closestSize({ width, height }: ImageSize = { width: 1, height: 1 }): string {
  if (width > height * OBLONG_RATIO) return '1536x1024'
  return height > width * OBLONG_RATIO ? '1024x1536' : defaultSize
}

const OBLONG_RATIO = 1.25

async function answerDalle(exchange: Exchange, request: ImageRequest, model: string): Promise<Reply> {
  const { clock, config } = exchange
  const spec = specOf(request, model, request.size ?? defaultSize, 0)
  const image =
    request.response_format === 'b64_json'
      ? { png: await paint(spec) }
      : {
          url: createImageUrl(spec, {
            origin: originOf(exchange),
            id: guid(exchange.random),
            resource: exchange.route?.resource,
            apiKey: config.apiKey,
            epochMs: clock.epochMs(),
          }),
        }
  const body = renderDalleImage(seconds(exchange), revise(request), image)
  return modelReply(jsonOfModel, textBody(body))
}

async function answerGptImage(
  exchange: Exchange,
  request: ImageRequest,
  model: string,
  source?: ImageSource,
): Promise<Reply> {
  const size = request.size && request.size !== 'auto' ? request.size : (source?.size ?? defaultSize)
  const quality = request.quality && request.quality !== 'auto' ? request.quality : 'medium'
  const count = request.n ?? 1
  const partials = request.partial_images ?? 0
  const textTokens = loadEncoding('o200k_base').count(request.prompt)
  const facts: ImageFacts = {
    created: seconds(exchange),
    size,
    quality,
    background: request.background === 'transparent' ? 'transparent' : 'opaque',
    usage: {
      textTokens,
      sourceTokens: source?.tokens ?? 0,
      imageTokens: count * imageTokensOf(model, size, quality, partials),
    },
  }
  const usage = {
    promptTokens: textTokens + facts.usage.sourceTokens,
    cachedTokens: 0,
    completionTokens: facts.usage.imageTokens,
    reasoningTokens: 0,
  }

  const kind = source ? 'image_edit' : 'image_generation'
  const pngs: Buffer[] = []
  const events: string[] = []
  for (let index = 0; index < count; index++) {
    const spec = specOf(request, model, size, index, source)
    for (let partial = 0; partial < partials; partial++) {
      const png = await paint({ ...spec, finished: (partial + 1) / (partials + 1) })
      events.push(renderImageEvent(kind, png, facts, partial))
    }
    const png = await paint(spec)
    if (request.stream) events.push(renderImageEvent(kind, png, facts))
    else pngs.push(png)
    // Yield after each picture, so that ten large ones do not block other requests.
    await yieldToEventLoop()
  }
  if (!request.stream) {
    return modelReply(jsonOfModel, textBody(renderImages(pngs, facts)), usage)
  }
  return modelReply(eventsOfModel, listedEvents(events), usage)
}

function specOf(
  request: ImageRequest,
  model: string,
  size: string,
  index: number,
  source?: ImageSource,
): PictureSpec {
  const count = request.n ?? 1
  const number = count > 1 ? ` image ${index + 1} of ${count}` : ''
  return {
    // Characters outside the font become one character that is drawn as a box, so that a URL stays short.
    text: request.prompt.replace(/[^\x20-\x7e\r\n\t]/gu, '\x7f'),
    caption: `${model}${source?.label ?? ' '}${size}${number}`,
    ...parseSize(size),
    hash: hashText(`${request.prompt}\n${size}${source ? `\n${source.key}` : ''}`, index),
    transparent: request.background === 'transparent',
    finished: 1,
  }
}

/** dall-e-3 always rewrites the prompt. The new prompt names the style. */
function revise({ prompt, style }: ImageRequest): string {
  return style === 'natural'
    ? `A natural, realistic image of: ${prompt}`
    : `A vivid and dramatic image of: ${prompt}`
}

function seconds({ clock }: Exchange): number {
  return Math.floor(clock.epochMs() / 1_000)
}
