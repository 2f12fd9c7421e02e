import { imageTokensOf, parseSize } from '../../../wire/images/write-images.ts'
import type { PictureSpec } from '../../images/image-url.ts'
import { paint } from '../../images/paint.ts'
import { hashText } from '../../text-features.ts'
import { type DrawCall, hostedItem, plainCall } from './hosted-call.ts'

/** The options of the tool that the simulator uses. */
interface ImageOptions {
  readonly model?: string
  readonly size?: string | null
  readonly quality?: string | null
  readonly background?: string | null
  readonly partial_images?: number | null
}

const MAX_PROMPT_LENGTH = 400

/** Input tokens of the image as the model reads it again: one low-detail image. Not captured. */
const IMAGE_READ_TOKENS = 85

/** `image_generation`: a picture that shows its prompt. The item of a stream also has partial images. */
export const drawImage: DrawCall = (tool, { request, encoding, question }, random) => {
  const options = tool as ImageOptions
  const model = options.model ?? 'gpt-image-1'
  const size = chosen(options.size, '1024x1024')
  const quality = chosen(options.quality, 'medium')
  const background = options.background === 'transparent' ? 'transparent' : 'opaque'
  const prompt = `A detailed picture of: ${question.slice(0, MAX_PROMPT_LENGTH)}`
  const textTokens = encoding.count(prompt)
  // Without the option, Azure sends the complete picture as a partial image (capture of December 2025).
  const partials = request.stream ? (options.partial_images ?? 0) : 0
  const spec: PictureSpec = {
    text: prompt.replace(/[^\x20-\x7e]/g, '\x7f'),
    caption: `${model} ${size}`,
    ...parseSize(size),
    hash: hashText(`${prompt}\n${size}`, random.below(1_000)),
    transparent: background === 'transparent',
    finished: 1,
  }
  let result = ''
  const partialImages: string[] = []
  return {
    ...plainCall,
    hiddenTokens: textTokens,
    resultTokens: IMAGE_READ_TOKENS,
    usage: { imageTextTokens: textTokens, imageTokens: imageTokensOf(model, size, quality, partials) },
    async paint() {
      for (let partial = 1; partial <= partials; partial++) {
        const png = await paint({ ...spec, finished: partial / (partials + 1) })
        partialImages.push(png.toString('base64'))
      }
      result = (await paint(spec)).toString('base64')
      if (request.stream && partials === 0) partialImages.push(result)
    },
    items({ ids, epochSeconds }) {
      const item = {
        id: ids.next('ig', epochSeconds),
        type: 'image_generation_call',
        status: 'completed',
        background,
        output_format: 'png',
        quality,
        result,
        revised_prompt: prompt,
        size,
      } as const
      return [hostedItem(item, { partialImages })]
    },
  }
}

function chosen(value: string | null | undefined, automatic: string): string {
  return value === undefined || value === null || value === 'auto' ? automatic : value
}
