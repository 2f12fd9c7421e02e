/** A PNG file with the given size in its header. It has no pixels, which only programs that show pictures need. */
export function pngFile(width = 1, height = 1): Buffer {
  const png = Buffer.alloc(48)
  Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]).copy(png)
  png.write('IHDR', 12, 'latin1')
  png.writeUInt32BE(width, 16)
  png.writeUInt32BE(height, 20)
  return png
}

/** The data URL of `pngFile`. */
export function pngUrl(width = 1, height = 1): string {
  return `data:image/png;base64,${pngFile(width, height).toString('base64')}`
}
