/**
 * The body of an embeddings answer: two spaces of indentation, OpenAI's key order, a line feed at the end, floats one
 * a line (captures of 2024 to 2026).
 */
export function renderEmbeddings(
  vectors: Iterable<Float32Array>,
  model: string,
  promptTokens: number,
  format: 'float' | 'base64',
): string {
  return [...embeddingsPieces(vectors, model, promptTokens, format)].join('')
}

/** The same in pieces, one for each vector. */
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

/** Little-endian 32-bit floats; typed arrays have the byte order of the machine, which is the same on all that Node runs on. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  return `"${bytes.toString('base64')}"`
}

function floats(vector: Float32Array): string {
  return `[\n${floatLines(vector)}\n      ]`
}

/** Eight spaces of indentation, sign, `0.`, three zeros, eight digits, comma and line feed; more for rare long ones. */
const MAX_LINE_LENGTH = 48

/** Characters, by their bytes. */
const SPACE = 32
const COMMA = 44
const MINUS = 45
const POINT = 46
const ZERO = 48
const LINE_FEED = 10

/** Eight digits are at least this and below ten times as much. */
const MIN_DIGITS = 10_000_000

let bytes = Buffer.alloc(0)

/**
 * Numbers between -1 and 1 as lines of JSON, with eight digits: enough to tell most 32-bit floats apart, and what the
 * service prints, without zeros at the end. Digit by digit into bytes, since `toPrecision` for each number made an
 * answer in floats cost half a millisecond.
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
  // Numbers from 1 on and below a ten-thousandth are rare in a vector of unit length.
  if (!(size >= 0.0001 && size < 0.999_999_99)) return writeRare(value, start)
  let places = size >= 0.1 ? 8 : size >= 0.01 ? 9 : size >= 0.001 ? 10 : 11
  const scale = size >= 0.1 ? 1e8 : size >= 0.01 ? 1e9 : size >= 0.001 ? 1e10 : 1e11
  let digits = Math.round(size * scale)
  if (digits >= 10 * MIN_DIGITS) {
    // Rounded up to the next power of ten.
    digits = MIN_DIGITS
    places--
  }
  while (digits % 10 === 0) {
    digits = (digits / 10) | 0
    places--
  }
  let at = start
  if (value < 0) bytes[at++] = MINUS
  bytes[at++] = ZERO
  bytes[at++] = POINT
  for (let place = at + places - 1; place >= at; place--) {
    const rest = (digits / 10) | 0
    bytes[place] = ZERO + digits - rest * 10
    digits = rest
  }
  return at + places
}

function writeRare(value: number, start: number): number {
  return start + bytes.write(String(Number(value.toPrecision(8))), start, 'latin1')
}
