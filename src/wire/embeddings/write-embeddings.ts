/**
 * Renders the body of an embeddings answer: indented by two spaces, with keys in OpenAI's order, one float per line and a final
 * line feed (captures of 2024 to 2026).
 */
export function renderEmbeddings(
  vectors: Iterable<Float32Array>,
  model: string,
  promptTokens: number,
  format: 'float' | 'base64',
): string {
  return [...embeddingsPieces(vectors, model, promptTokens, format)].join('')
}

/** Like `renderEmbeddings`, as one string for each vector. */
export function* embeddingsPieces(
  vectors: Iterable<Float32Array>,
  model: string,
  promptTokens: number,
  format: 'float' | 'base64',
): Generator<string, undefined> {
  yield `{
  "object": "list",
  "data": [
`
  let index = 0
  for (const vector of vectors) {
    yield `${index === 0 ? '' : ',\n'}    {
      "object": "embedding",
      "index": ${index++},
      "embedding": ${format === 'base64' ? base64(vector) : floats(vector)}
    }`
  }
  yield `
  ],
  "model": ${JSON.stringify(model)},
  "usage": {
    "prompt_tokens": ${promptTokens},
    "total_tokens": ${promptTokens}
  }
}
`
}

/** Typed arrays have the byte order of the machine. All platforms of Node.js that the simulator supports are little-endian. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  return `"${bytes.toString('base64')}"`
}

function floats(vector: Float32Array): string {
  return `[\n${floatLines(vector)}\n      ]`
}

/** Eight spaces, sign, `0.`, three zeros, eight digits, comma and line feed. The rest is for rare longer numbers. */
const MAX_LINE_LENGTH = 48

/** ASCII codes. */
const SPACE = 32
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const LINE_FEED = 10

/** The smallest integer with eight digits. */
const MIN_EIGHT_DIGITS = 10_000_000

let bytes = Buffer.alloc(0)

/**
 * Formats numbers between -1 and 1 as lines of JSON with up to eight significant digits, like the service, without trailing zeros.
 * Writes digits as bytes, since `toPrecision` for each number costs half a millisecond per answer.
 */
export function floatLines(vector: Float32Array): string {
  if (bytes.length < vector.length * MAX_LINE_LENGTH) bytes = Buffer.alloc(vector.length * MAX_LINE_LENGTH)
  let end = 0
  for (let i = 0; i < vector.length; i++) {
    if (i > 0) {
      bytes[end++] = COMMA
      bytes[end++] = LINE_FEED
    }
    for (let spaces = 0; spaces < 8; spaces++) bytes[end++] = SPACE
    end = writeFloat(vector[i] ?? 0, end)
  }
  return bytes.toString('latin1', 0, end)
}

function writeFloat(value: number, start: number): number {
  const size = Math.abs(value)
  // Other magnitudes are rare in a vector of length 1.
  if (!(size >= 0.0001 && size < 0.999_999_99)) return writeOtherFloat(value, start)
  let decimals = size >= 0.1 ? 8 : size >= 0.01 ? 9 : size >= 0.001 ? 10 : 11
  const scale = size >= 0.1 ? 1e8 : size >= 0.01 ? 1e9 : size >= 0.001 ? 1e10 : 1e11
  let digits = Math.round(size * scale)
  if (digits >= 10 * MIN_EIGHT_DIGITS) {
    // Rounding resulted in a power of ten.
    digits = MIN_EIGHT_DIGITS
    decimals--
  }
  while (digits % 10 === 0) {
    digits = (digits / 10) | 0
    decimals--
  }
  let offset = start
  if (value < 0) bytes[offset++] = MINUS
  bytes[offset++] = ZERO
  bytes[offset++] = POINT
  for (let i = offset + decimals - 1; i >= offset; i--) {
    const rest = (digits / 10) | 0
    bytes[i] = ZERO + digits - rest * 10
    digits = rest
  }
  return offset + decimals
}

function writeOtherFloat(value: number, start: number): number {
  return start + bytes.write(String(Number(value.toPrecision(8))), start, 'latin1')
}
