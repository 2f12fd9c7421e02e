import { RecentMap } from '../../lib/caches.ts'
import { drawPicture } from './draw-picture.ts'
import type { PictureSpec } from './image-url.ts'
import { encodePng } from './png.ts'

/** Bytes of PNG files that are kept for certain; one of 1024x1024 has about ten thousand. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024

const painted = new RecentMap<string, Buffer>(MAX_KEPT_BYTES, (png) => png.length)

/** Makes the PNG file of a picture, or gives it again: a URL is often fetched more than once. */
export async function paint(spec: PictureSpec): Promise<Buffer> {
  const key = JSON.stringify(spec)
  const known = painted.get(key)
  if (known) return known
  const png = await encodePng(drawPicture(spec))
  painted.set(key, png)
  return png
}
