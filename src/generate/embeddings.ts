import type { Deployment } from '../config/deployments.ts'
import { promptLengthExceeded } from '../wire/chat/error-context-length.ts'
import { countInput, splitInputs } from '../wire/chat/prompt-tokens.ts'
import { type EmbeddingsRequest, parseEmbeddingsRequest } from '../wire/embeddings/embeddings-request.ts'
import type { Addressed, Exchange } from '../pipeline/exchange.ts'
import { jsonOfModel, modelReply, noRoomReply, refuse } from '../pipeline/reply-headers.ts'
import { bodyInPieces, isAsciiText, renderedBody } from '../answer/body.ts'
import type { Reply } from '../pipeline/reply.ts'
import { type ReplyOrPromise, mapMaybe } from '../pipeline/stage.ts'
import { loadEncoding, type TokenCounter } from '../tokens/encoding.ts'
import { countAhead } from './count-ahead.ts'
import { embeddingsPieces, renderEmbeddings } from '../wire/embeddings/write-embeddings.ts'
import { hashText, eachFeature } from './text-features.ts'

/** Vector size of a catalogue model without one. Most models have this size. */
const DEFAULT_SIZE = 1536

/** Bytes of a number in the response body. */
const bytesPerNumber = { float: 24, base64: 6 }

/** Larger answers are rendered in slices. Rendering this many numbers takes about 10 ms. */
const MAX_SYNC_NUMBERS = 50_000

/** Embedding texts of this size takes about 10 ms. */
const MAX_SYNC_BYTES = 256 * 1024

/** Answers an embeddings request with vectors that depend only on the texts, the model and the dimensions. */
export function generateEmbeddings(exchange: Addressed): ReplyOrPromise {
  const { deployment } = exchange
  const { model } = deployment
  const parsed = parseEmbeddingsRequest(exchange.json, model)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed

  const inputs = splitInputs(request.input)
  const counter = countAhead(exchange, loadEncoding(model.encoding), (collector) => {
    for (const input of inputs) countInput(input, collector)
  })
  return mapMaybe(counter, (known) => answerEmbeddings(exchange, deployment, request, inputs, known))
}

function answerEmbeddings(
  exchange: Exchange,
  deployment: Deployment,
  request: EmbeddingsRequest,
  inputs: readonly (string | readonly number[])[],
  counter: TokenCounter,
): Reply {
  const { model } = deployment
  const encoding = loadEncoding(model.encoding)
  let promptTokens = 0
  for (const input of inputs) {
    const tokens = countInput(input, counter)
    if (tokens > model.contextTokens) {
      const { contextTokens } = model
      const lengths = { contextTokens, promptTokens: tokens, completionTokens: 0 }
      return refuse(promptLengthExceeded(lengths))
    }
    promptTokens += tokens
  }

  const size = model.embeddingSize ?? DEFAULT_SIZE
  const dimensions = Math.min(size, request.dimensions ?? deployment.embeddingSize ?? size)
  const salt = hashText(model.name, 0)
  const name = model.versionedName
  const format = request.encoding_format ?? 'float'
  const numbers = inputs.length * dimensions
  if (!exchange.reserve(numbers * bytesPerNumber[format])) return noRoomReply()
  function* vectors(): Generator<Float32Array, undefined> {
    for (const input of inputs) {
      const text = typeof input === 'string' ? input : encoding.decode(input)
      yield embedText(text, salt, size, dimensions)
    }
  }
  const body =
    numbers > MAX_SYNC_NUMBERS || exchange.body.length > MAX_SYNC_BYTES
      ? bodyInPieces(() => embeddingsPieces(vectors(), name, promptTokens, format))
      : renderedBody(() => renderEmbeddings(vectors(), name, promptTokens, format), isAsciiText(name))
  const usage = { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
  return modelReply(jsonOfModel, body, usage)
}

/** Relative length of the part of a vector that depends on the exact text, so that any two texts differ. */
const TEXT_SHARE = 0.2

/** Random draws per feature, two numbers each. */
const DRAWS_PER_FEATURE = 4

/** Reused buffer for the sums of a vector. */
let sums = new Float64Array(0)

/**
 * Embeds a text by feature hashing (Weinberger et al., 2009). The vector has unit length, is the same on every
 * machine, and is close to the vectors of texts that share words or parts of words. Uses only integer arithmetic and
 * operations that IEEE 754 rounds exactly.
 *
 * @param salt separates the models: vectors of different models are unrelated
 * @param size numbers in the full vector of the model
 * @param dimensions numbers to return; fewer than `size` keeps the first ones and scales them to unit length
 */
export function embedText(text: string, salt: number, size: number, dimensions: number): Float32Array {
  if (sums.length !== size) sums = new Float64Array(size)
  else sums.fill(0)
  const vector = sums
  eachFeature(text, (hash, weight) => {
    addFeature(vector, (hash ^ salt) >>> 0 || 1, weight)
  })
  addTextPart(vector, hashText(text, salt))
  return unitVector(vector, dimensions)
}

/**
 * Changes eight numbers. The first two are in the first quarter of the vector, the next two in the first half. A
 * shortened vector therefore keeps most of the information, as with the real models.
 */
function addFeature(vector: Float64Array, seed: number, weight: number): void {
  let state = seed
  for (let draw = 0; draw < DRAWS_PER_FEATURE; draw++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const range = vector.length >>> Math.max(0, 2 - draw) || 1
    addOne(vector, state & 0xffff, range, weight)
    addOne(vector, state >>> 16, range, weight)
  }
}

/** Of 16 random bits, one is the sign and 15 are the index. */
function addOne(vector: Float64Array, bits: number, range: number, weight: number): void {
  const index = ((bits >>> 1) * range) >>> 15
  vector[index] = (vector[index] ?? 0) + ((bits & 1) === 0 ? weight : -weight)
}

/** Adds a small part that depends on the exact text to the whole vector, so that no number is zero. */
function addTextPart(vector: Float64Array, seed: number): void {
  let squares = 0
  for (let i = 0; i < vector.length; i++) squares += (vector[i] ?? 0) * (vector[i] ?? 0)
  // A uniform draw from [-1, 1] has a mean square of 1/3.
  const scale = squares === 0 ? 1 : Math.sqrt((3 * squares) / vector.length) * TEXT_SHARE
  const unit = scale / 0x8000_0000
  // Marsaglia's xorshift32. The state is never 0.
  let state = seed | 0 || 1
  for (let i = 0; i < vector.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    vector[i] = (vector[i] ?? 0) + state * unit
  }
}

function unitVector(vector: Float64Array, dimensions: number): Float32Array {
  let squares = 0
  for (let i = 0; i < dimensions; i++) squares += (vector[i] ?? 0) * (vector[i] ?? 0)
  const factor = 1 / Math.sqrt(squares)
  const result = new Float32Array(dimensions)
  for (let i = 0; i < dimensions; i++) result[i] = (vector[i] ?? 0) * factor
  return result
}
