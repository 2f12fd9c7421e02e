import {
  parsed,
  type Parsed,
  plainFault,
  wrongType,
  type Check,
  type Fault,
  validateBody,
  type Rule,
} from '../validation/fault.ts'
import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { objectOf, optional, required, anything, integerBetween, oneOf, text } from '../validation/checks.ts'
import { textOrTokens } from '../validation/common-fields.ts'
import type { TextOrTokens } from '../completions/completions-request.ts'

/** Most texts, or lists of tokens, in one request (Azure's documentation). */
const MAX_INPUTS = 2048

/** This operation has words of its own, and names no param with them (seen on Azure in August 2026). */
function refusedInput(problem: string): Fault {
  return {
    path: '',
    code: null,
    message: (path) => `Invalid '${path}': ${problem}.`,
    param: () => null,
  }
}

const inputText: Check = (value) => {
  if (typeof value !== 'string') return wrongType('a string', value)
  return value === '' ? refusedInput('input cannot be an empty string') : undefined
}

const inputs = textOrTokens(Infinity, inputText)

const input: Check = (value) => {
  if (Array.isArray(value)) {
    if (value.length === 0) return refusedInput('input cannot be an empty array')
    // Numbers are the tokens of one input, which the model's context bounds.
    if (value.length > MAX_INPUTS && typeof value[0] !== 'number') {
      return refusedInput(`array length must be ${MAX_INPUTS} or less`)
    }
  }
  return inputs(value)
}

const fields = objectOf([
  required('input', input),
  optional('model', anything),
  optional('dimensions', integerBetween(1, Infinity)),
  optional('encoding_format', oneOf('float', 'base64')),
  optional('user', text()),
  optional('input_type', text()),
])

const dimensionsFitModel: Rule = ({ dimensions }, { shortensEmbeddings, embeddingSize = Infinity }) => {
  if (typeof dimensions !== 'number') return undefined
  if (!shortensEmbeddings) return plainFault(null, 'This model does not support specifying dimensions.')
  if (dimensions <= embeddingSize) return undefined
  return plainFault(
    null,
    `Invalid value for 'dimensions' = ${dimensions}. Must be less than or equal to ${embeddingSize}.`,
  )
}

const rules = [dimensionsFitModel]

/** What the service refuses in the body of an embeddings request; undefined when nothing. Never throws. */
export function validateEmbeddings(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, rules, model)
}

/** The fields of a valid embeddings request that the simulator reads. Null means absent. */
export interface EmbeddingsRequest {
  readonly input: TextOrTokens
  /** Names the deployment where the path does not; else ignored, and then of any type. */
  readonly model?: unknown
  readonly dimensions?: number | null
  /** `base64` is of little-endian 32-bit floats; absent means `float`. */
  readonly encoding_format?: 'float' | 'base64' | null
  readonly user?: string | null
  readonly input_type?: string | null
}

/** Checks the body of an embeddings request. */
export function parseEmbeddingsRequest(body: unknown, model: Model): Parsed<EmbeddingsRequest> {
  return parsed<EmbeddingsRequest>(body, validateEmbeddings(body, model))
}
