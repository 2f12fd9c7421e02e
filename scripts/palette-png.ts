import { crc32, deflateSync } from 'node:zlib'
import { PNG } from 'pngjs'

const MAX_COLOURS = 256
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/**
 * Returns a PNG with a palette of at most 256 colours, about a third of the size. The most frequent colours stay exact, the others become
 * the nearest of them: pictures of a page have few colours, and shades at the edges of letters. Transparency is lost.
 */
export function encodePalettePng(png: Uint8Array): Buffer {
  const { width, height, data } = PNG.sync.read(Buffer.from(png))
  const counts = new Map<number, number>()
  const pixels = new Uint32Array(width * height)
  for (let index = 0; index < pixels.length; index++) {
    const colour = data.readUIntBE(index * 4, 3)
    pixels[index] = colour
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = choosePalette(counts)
  const nearest = new Map(palette.map((colour, index) => [colour, index]))
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = pixels[y * width + x] ?? 0
      let index = nearest.get(colour)
      if (index === undefined) {
        index = nearestIndex(palette, colour)
        nearest.set(colour, index)
      }
      // The first byte of a row is its filter: 0 for none, which suits palettes.
      rows[y * (width + 1) + 1 + x] = index
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  // 8 bits for each pixel, colour type 3: palette.
  header.set([8, 3, 0, 0, 0], 8)
  const colours = Buffer.concat(
    palette.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])),
  )
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** The most frequent colours, then those that are farthest from the chosen ones, so that a rare colour does not vanish. */
function choosePalette(counts: ReadonlyMap<number, number>): number[] {
  const byCount = [...counts].toSorted(([, one], [, other]) => other - one).map(([colour]) => colour)
  const palette = byCount.slice(0, Math.floor(MAX_COLOURS * 0.75))
  const rest = byCount.slice(palette.length).map((colour) => ({
    colour,
    distance: distanceOf(colour, palette[nearestIndex(palette, colour)] ?? 0),
  }))
  while (palette.length < MAX_COLOURS && rest.length > 0) {
    const far = rest.reduce((best, one) => (one.distance > best.distance ? one : best))
    if (far.distance === 0) break
    palette.push(far.colour)
    for (const one of rest) one.distance = Math.min(one.distance, distanceOf(one.colour, far.colour))
  }
  return palette
}

function nearestIndex(palette: readonly number[], colour: number): number {
  let best = 0
  let bestDistance = Number.POSITIVE_INFINITY
  for (const [index, one] of palette.entries()) {
    const distance = distanceOf(one, colour)
    if (distance >= bestDistance) continue
    bestDistance = distance
    best = index
  }
  return best
}

function distanceOf(one: number, other: number): number {
  const red = (one >> 16) - (other >> 16)
  const green = ((one >> 8) & 255) - ((other >> 8) & 255)
  const blue = (one & 255) - (other & 255)
  return red * red * 2 + green * green * 4 + blue * blue
}

function chunk(type: string, data: Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(content.length + 8)
  framed.writeUInt32BE(data.length, 0)
  content.copy(framed, 4)
  framed.writeUInt32BE(crc32(content), content.length + 4)
  return framed
}
