import type { PictureSpec } from './image-url.ts'
import type { Picture, Rgb } from './png.ts'

/** Glyph size in pixels. The eighth row is for descenders. */
export const GLYPH_WIDTH = 5
const GLYPH_HEIGHT = 8

/**
 * The printable ASCII characters from 0x20 on. Each has eight rows, and each row is a base-32 digit with the leftmost
 * pixel in the highest bit.
 */
const glyphRows =
  '00000000 44444040 aaa00000 aavavaa0 4fke5u40 op248j30 cik8lid0 c4800000 24888420 84222480 04lel400 044v4400 ' +
  '00000c48 000v0000 00000cc0 01248g00 ehjlphe0 4c4444e0 eh1248v0 v2421he0 26aiv220 vgu11he0 68guhhe0 v1248880 ' +
  'ehhehhe0 ehhf12c0 0cc0cc00 0cc0c480 248g8420 00v0v000 84212480 eh124040 eh1dlle0 ehhhvhh0 uhhuhhu0 ehggghe0 ' +
  'sihhhis0 vgguggv0 vgguggg0 ehgnhhf0 hhhvhhh0 e44444e0 72222ic0 hikokih0 ggggggv0 hrllhhh0 hhpljhh0 ehhhhhe0 ' +
  'uhhuggg0 ehhhlid0 uhhukih0 fgge11u0 v4444440 hhhhhhe0 hhhhha40 hhhllla0 hha4ahh0 hhha4440 v1248gv0 e88888e0 ' +
  '0g842100 e22222e0 4ah00000 0000000v 84200000 00e1fhf0 ggmphhu0 00egghe0 11djhhf0 00ehvge0 698s8880 00fhhf1e ' +
  'ggmphhh0 40c444e0 206222ic ggikoki0 c44444e0 00qllhh0 00mphhh0 00ehhhe0 00uhhugg 00fhhf11 00mpggg0 00fge1u0 ' +
  '88s88960 00hhhjd0 00hhha40 00hhlla0 00ha4ah0 00hhhf1e 00v248v0 24484420 44444440 84424480 008l2000'

const ROW_DIGITS = 32
const FIRST_CODE = 0x20

const glyphs = glyphRows
  .split(' ')
  .map((rows) => Array.from(rows, (digit) => Number.parseInt(digit, ROW_DIGITS)))

const box = Array.from('vhhhhhv0', (digit) => Number.parseInt(digit, ROW_DIGITS))

/**
 * Returns the rows of a character from top to bottom, five bits each, with the leftmost pixel in the highest bit.
 * Characters outside ASCII are drawn as a box.
 */
export function glyphOf(character: string): readonly number[] {
  return glyphs[(character.codePointAt(0) ?? 0) - FIRST_CODE] ?? box
}

/** Colour numbers of a picture. 0 is the background. */
const INK = 1
const ACCENT = 2
const UNFINISHED = 3

/** Sizes of a font pixel in descending order. Smaller sizes are unreadable. */
const scales = [10, 9, 8, 7, 6, 5, 4, 3, 2]

/** Distance between characters and between lines, in font pixels. */
const ADVANCE = GLYPH_WIDTH + 1
const LINE_HEIGHT = GLYPH_HEIGHT + 2

/** Draws with numbered colours on a byte grid. */
class Canvas {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.pixels = new Uint8Array(width * height)
  }

  /** Fills a rectangle, clipped to the canvas. */
  fill(x: number, y: number, width: number, height: number, colour: number): void {
    const right = Math.min(x + width, this.width)
    const bottom = Math.min(y + height, this.height)
    if (right <= x) return
    for (let row = Math.max(0, y); row < bottom; row++) {
      this.pixels.fill(colour, row * this.width + x, row * this.width + right)
    }
  }

  /** Draws a line of text. `x` and `y` are its upper left corner. */
  write(line: string, x: number, y: number, scale: number, colour: number): void {
    let left = x
    for (const character of line) {
      for (const [row, bits] of glyphOf(character).entries()) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if ((bits >> (GLYPH_WIDTH - 1 - column)) & 1) {
            this.fill(left + column * scale, y + row * scale, scale, scale, colour)
          }
        }
      }
      left += ADVANCE * scale
    }
  }
}

/** Draws the text as large as possible in a frame, above a pattern of the spec's hash and a small caption. */
export function drawPicture(spec: PictureSpec): Picture {
  const { width, height, hash } = spec
  const canvas = new Canvas(width, height)
  const margin = Math.max(4, Math.round(Math.min(width, height) / 24))
  drawFrame(canvas, Math.max(1, margin >> 2))
  const captionScale = Math.max(1, Math.round(Math.min(width, height) / 400))
  const captionTop = height - margin - GLYPH_HEIGHT * captionScale
  const captionWidth = canvas.width - 2 * margin
  const [caption = ''] = wrapText(spec.caption, Math.floor(captionWidth / (ADVANCE * captionScale)), 1)
  canvas.write(caption, margin, captionTop, captionScale, INK)
  const cell = margin
  const patternTop = captionTop - cell * 3
  drawPattern(canvas, hash, margin, patternTop, cell)
  drawText(canvas, spec.text, margin * 2, margin * 2, patternTop - margin)
  const done = Math.round(height * spec.finished)
  canvas.fill(0, done, width, height - done, UNFINISHED)
  return { width, height, pixels: canvas.pixels, palette: paletteOf(hash), transparent: spec.transparent }
}

function drawFrame(canvas: Canvas, thickness: number): void {
  const { width, height } = canvas
  canvas.fill(0, 0, width, thickness, ACCENT)
  canvas.fill(0, height - thickness, width, thickness, ACCENT)
  canvas.fill(0, 0, thickness, height, ACCENT)
  canvas.fill(width - thickness, 0, thickness, height, ACCENT)
}

/** Two rows of squares, one per bit of the hash, so that pictures of different prompts look different. */
function drawPattern(canvas: Canvas, hash: number, left: number, top: number, cell: number): void {
  const columns = Math.floor((canvas.width - 2 * left) / cell)
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < 2; row++) {
      const bit = (hash >>> ((column * 2 + row) % 32)) & 1
      if (bit) canvas.fill(left + column * cell, top + row * cell, cell - 2, cell - 2, ACCENT)
    }
  }
}

function drawText(canvas: Canvas, text: string, left: number, top: number, bottom: number): void {
  const room = canvas.width - 2 * left
  for (const scale of scales) {
    const columns = Math.floor(room / (ADVANCE * scale))
    const rows = Math.floor((bottom - top) / (LINE_HEIGHT * scale))
    const isLast = scale === scales.at(-1)
    const lines = wrapText(text, columns, isLast ? rows : Infinity)
    if (lines.length > rows) continue
    for (const [index, line] of lines.entries()) {
      canvas.write(line, left, top + index * LINE_HEIGHT * scale, scale, INK)
    }
    return
  }
}

/** A dark background, light text and two tones between them, all with the same hue. */
function paletteOf(hash: number): readonly Rgb[] {
  const hue = hash % 360
  return [fromHsl(hue, 0.45, 0.16), fromHsl(hue, 0.3, 0.95), fromHsl(hue, 0.6, 0.55), fromHsl(hue, 0.2, 0.32)]
}

/** Standard HSL conversion. The hue is in degrees, saturation and lightness are from 0 to 1. */
function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  const channel = (offset: number): number => {
    const position = (offset + hue / 30) % 12
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(position - 3, 9 - position, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

const ellipsis = '...'

/**
 * Breaks a text into lines of at most `columns` characters, between words if possible. Lines beyond `rows` are
 * omitted, and the last line then ends with three dots. Returns no lines if `columns` or `rows` is 0.
 */
export function wrapText(text: string, columns: number, rows: number): string[] {
  if (columns < 1 || rows < 1) return []
  const lines = text.split(/\r\n|[\r\n]/).flatMap((paragraph) => wrapParagraph(paragraph, columns))
  if (lines.length <= rows) return lines
  const visible = lines.slice(0, rows)
  const last = visible[rows - 1] ?? ''
  visible[rows - 1] =
    Array.from(last)
      .slice(0, Math.max(0, columns - ellipsis.length))
      .join('') + ellipsis
  return visible
}

function wrapParagraph(paragraph: string, columns: number): string[] {
  const lines: string[] = []
  let line = ''
  let length = 0
  for (const word of paragraph.split(/\s+/)) {
    const characters = Array.from(word)
    if (length > 0 && length + 1 + characters.length > columns) {
      lines.push(line)
      line = ''
      length = 0
    }
    if (length > 0) {
      line += ' '
      length++
    }
    // Split a word that is longer than a line.
    let from = 0
    for (; characters.length - from > columns; from += columns) {
      lines.push(characters.slice(from, from + columns).join(''))
    }
    line += characters.slice(from).join('')
    length += characters.length - from
  }
  lines.push(line)
  return lines
}
