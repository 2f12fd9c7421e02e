import { floatLines } from './embedding-floats.ts'

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
