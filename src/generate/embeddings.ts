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
import { embedText } from './embedding-vector.ts'
import { embeddingsPieces, renderEmbeddings } from '../wire/embeddings/write-embeddings.ts'
import { hashText } from './text-features.ts'

/** The size of most models' vectors, for a model of the catalogue that names none. */
const DEFAULT_SIZE = 1536

/** Bytes of a number in the answer. */
const bytesPerNumber = { float: 24, base64: 6 }

/** Rendered in some ten milliseconds; in numbers. */
const QUICK_NUMBERS = 50_000

/** Texts of so many bytes are embedded in some ten milliseconds. */
const QUICK_BYTES = 256 * 1024

/** Answers an embeddings request with vectors that depend on the texts, the model and the size alone. */
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
    numbers > QUICK_NUMBERS || exchange.body.length > QUICK_BYTES
      ? bodyInPieces(() => embeddingsPieces(vectors(), name, promptTokens, format))
      : renderedBody(() => renderEmbeddings(vectors(), name, promptTokens, format), isAsciiText(name))
  const usage = { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }
  return modelReply(jsonOfModel, body, usage)
}
