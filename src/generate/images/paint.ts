import { RecentMap } from '../../lib/caches.ts'
import { drawPicture } from './draw-picture.ts'
import type { PictureSpec } from './image-url.ts'
import { encodePng } from './png.ts'

/** Minimum size of the PNG cache in bytes. A file of 1024x1024 has about 10,000 bytes. */
const MAX_CACHED_BYTES = 8 * 1024 * 1024

const cache = new RecentMap<string, Buffer>(MAX_CACHED_BYTES, (png) => png.length)

/** Returns the PNG file of a picture. Files are cached, because a URL is often fetched more than once. */
export async function paint(spec: PictureSpec): Promise<Buffer> {
  const key = JSON.stringify(spec)
  const known = cache.get(key)
  if (known) return known
  const png = await encodePng(drawPicture(spec))
  cache.set(key, png)
  return png
}
