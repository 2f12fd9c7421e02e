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

/** Maximum number of texts or token arrays per request (Azure's documentation). */
const MAX_INPUTS = 2048

/** This operation has different messages, with `param` null (observed on Azure in August 2026). */
function inputFault(problem: string): Fault {
  return {
    path: '',
    code: null,
    message: (path) => `Invalid '${path}': ${problem}.`,
    param: () => null,
  }
}

const inputText: Check = (value) => {
  if (typeof value !== 'string') return wrongType('a string', value)
  return value === '' ? inputFault('input cannot be an empty string') : undefined
}

const inputs = textOrTokens(Infinity, inputText)

const input: Check = (value) => {
  if (Array.isArray(value)) {
    if (value.length === 0) return inputFault('input cannot be an empty array')
    // Numbers are the tokens of one input. The context window limits their number.
    if (value.length > MAX_INPUTS && typeof value[0] !== 'number') {
      return inputFault(`array length must be ${MAX_INPUTS} or less`)
    }
  }
  return inputs(value)
}

/** The fields of an embeddings request. */
export const embeddingsFields = [
  required('input', input),
  optional('model', anything),
  optional('dimensions', integerBetween(1, Infinity)),
  optional('encoding_format', oneOf('float', 'base64')),
  optional('user', text()),
  optional('input_type', text()),
]
const fields = objectOf(embeddingsFields)

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

/** Validates the body of an embeddings request. Returns the error of the service, or undefined. Never throws. */
export function validateEmbeddings(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, fields, rules, model)
}

/** The fields of a valid embeddings request that the simulator uses. Null means absent. */
export interface EmbeddingsRequest {
  readonly input: TextOrTokens
  /** The deployment, if the path does not contain it. Otherwise ignored and of any type. */
  readonly model?: unknown
  readonly dimensions?: number | null
  /** `base64` encodes little-endian 32-bit floats. Absent means `float`. */
  readonly encoding_format?: 'float' | 'base64' | null
  readonly user?: string | null
  readonly input_type?: string | null
}

/** Parses and validates the body of an embeddings request. */
export function parseEmbeddingsRequest(body: unknown, model: Model): Parsed<EmbeddingsRequest> {
  return parsed<EmbeddingsRequest>(body, validateEmbeddings(body, model))
}
