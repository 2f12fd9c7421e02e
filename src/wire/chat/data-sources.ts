import { isRecord } from '../../lib/record.ts'
import { gatewayError, type ServiceError } from '../errors.ts'

/** A data source of a valid request. Parameters that change only what a real search finds are not listed. */
export interface DataSource {
  readonly type: string
  readonly parameters: {
    readonly endpoint?: string
    readonly index_name?: string
    readonly database_name?: string
    readonly container_name?: string
    /** Default 5. */
    readonly top_n_documents?: number | null
    readonly role_information?: string | null
    /** Default `citations` and `intent`. */
    readonly include_contexts?: readonly string[] | null
  }
}

/** Returns the message for a value, or undefined if it is valid. The texts are those of pydantic, as in captured messages. */
type DataCheck = (value: unknown) => string | undefined

const text: DataCheck = (value) => (typeof value === 'string' ? undefined : 'Input should be a valid string')
const flag: DataCheck = (value) =>
  typeof value === 'boolean' ? undefined : 'Input should be a valid boolean'

function integer(min: number, max: number): DataCheck {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return 'Input should be a valid integer'
    if (value < min) return `Input should be greater than or equal to ${min}`
    return value > max ? `Input should be less than or equal to ${max}` : undefined
  }
}

function oneOf(...values: readonly string[]): DataCheck {
  const quoted = values.map((value) => `'${value}'`)
  const list = `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`
  return (value) => (values.includes(value as string) ? undefined : `Input should be ${list}`)
}

const list: DataCheck = (value) => (Array.isArray(value) ? undefined : 'Input should be a valid list')

/** An object. Names that end with `?` are optional. A nested table has a discriminator `type`. */
interface Shape {
  readonly [name: string]: DataCheck | Shape | Variants
}

/** Objects by the value of their field `type`. */
interface Variants {
  readonly variants: Readonly<Record<string, Shape>>
}

const apiKey: Shape = { key: text }
const deploymentName: Shape = { deployment_name: text, 'dimensions?': integer(1, Infinity) }
const endpointVectors: Shape = {
  endpoint: text,
  authentication: { variants: { api_key: apiKey, access_token: { access_token: text } } },
  'dimensions?': integer(1, Infinity),
}
const vectors: Variants = { variants: { deployment_name: deploymentName, endpoint: endpointVectors } }

const fields: Shape = {
  'content_fields?': list,
  'vector_fields?': list,
  'image_vector_fields?': list,
  'content_fields_separator?': text,
  'filepath_field?': text,
  'title_field?': text,
  'url_field?': text,
}
const requiredFields: Shape = {
  ...omit(fields, 'content_fields?', 'vector_fields?'),
  content_fields: list,
  vector_fields: list,
}

const common: Shape = {
  'in_scope?': flag,
  'role_information?': text,
  'strictness?': integer(1, 5),
  'top_n_documents?': integer(1, 100),
  'max_search_queries?': integer(1, Infinity),
  'allow_partial_result?': flag,
  'include_contexts?': list,
}

/** Required and optional parameters by type (Microsoft Learn, "Azure OpenAI On Your Data API reference", 2026). */
const sources: Readonly<Record<string, Shape>> = {
  azure_search: {
    endpoint: text,
    index_name: text,
    authentication: {
      variants: {
        api_key: apiKey,
        system_assigned_managed_identity: {},
        user_assigned_managed_identity: { managed_identity_resource_id: text },
        access_token: { access_token: text },
      },
    },
    'embedding_dependency?': { variants: { ...vectors.variants, integrated: {} } },
    'fields_mapping?': fields,
    'filter?': text,
    'query_type?': oneOf('simple', 'semantic', 'vector', 'vector_simple_hybrid', 'vector_semantic_hybrid'),
    'semantic_configuration?': text,
    ...common,
  },
  azure_cosmos_db: {
    database_name: text,
    container_name: text,
    index_name: text,
    fields_mapping: requiredFields,
    authentication: { variants: { connection_string: { connection_string: text } } },
    embedding_dependency: vectors,
    ...common,
  },
  elasticsearch: {
    endpoint: text,
    index_name: text,
    authentication: {
      variants: { key_and_key_id: { key: text, key_id: text }, encoded_api_key: { encoded_api_key: text } },
    },
    'embedding_dependency?': { variants: { ...vectors.variants, model_id: { model_id: text } } },
    'fields_mapping?': fields,
    'query_type?': oneOf('simple', 'vector'),
    ...common,
  },
  pinecone: {
    environment: text,
    index_name: text,
    fields_mapping: { ...omit(requiredFields, 'vector_fields'), 'vector_fields?': list },
    authentication: { variants: { api_key: apiKey } },
    embedding_dependency: { variants: { deployment_name: deploymentName } },
    ...common,
  },
  mongo_db: {
    endpoint: text,
    app_name: text,
    database_name: text,
    collection_name: text,
    index_name: text,
    fields_mapping: requiredFields,
    authentication: { variants: { username_and_password: { username: text, password: text } } },
    embedding_dependency: vectors,
    ...common,
  },
}

function omit(shape: Shape, ...names: readonly string[]): Shape {
  return Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name)))
}

/** Parameters of a chat request with data sources: those of chat before 2024-07. Others are captured as refused. */
const acceptedParameters = new Set([
  'data_sources',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'max_tokens',
  'messages',
  'model',
  'n',
  'presence_penalty',
  'response_format',
  'seed',
  'stop',
  'stream',
  'temperature',
  'tool_choice',
  'tools',
  'top_p',
  'user',
])

/** The service reports all problems. Limits the cost of a hostile body. */
const MAX_PROBLEMS = 20

/** Returns the error of the service for a chat request with invalid `data_sources`, or undefined. The rest of the request can be invalid. */
export function dataSourcesError(body: unknown): ServiceError | undefined {
  if (!isRecord(body)) return undefined
  const { data_sources: given } = body
  if (given === undefined || given === null) return undefined
  const problems = new Problems()
  checkSources(given, problems)
  for (const name of Object.keys(body)) {
    if (!acceptedParameters.has(name) && body[name] !== null) problems.add(`/${name}`, EXTRA)
  }
  if (problems.messages.length === 0) return undefined
  return gatewayError('model', 400, '400', problems.messages.join('\n'), 'on-your-data')
}

/** Collects the first problems. */
class Problems {
  readonly messages: string[] = []

  add(path: string, problem: string): void {
    if (this.messages.length < MAX_PROBLEMS) {
      this.messages.push(`Validation error at #${path.slice(0, 500)}: ${problem}`)
    }
  }
}

const EXTRA = 'Extra inputs are not permitted'
const NO_OBJECT = 'Input should be a valid dictionary or object to extract fields from'

function checkSources(given: unknown, problems: Problems): void {
  if (!Array.isArray(given)) problems.add('/data_sources', 'Input should be a valid list')
  else if (given.length === 1) checkVariants('/data_sources/0', given[0], sourceShapes, problems)
  else {
    const bound = given.length === 0 ? 'at least' : 'at most'
    problems.add('/data_sources', `List should have ${bound} 1 item after validation, not ${given.length}`)
  }
}

const sourceShapes: Variants = {
  variants: Object.fromEntries(Object.entries(sources).map(([type, parameters]) => [type, { parameters }])),
}

function checkVariants(path: string, value: unknown, { variants }: Variants, problems: Problems): void {
  if (!isRecord(value)) return problems.add(path, NO_OBJECT)
  const { type } = value
  if (type === undefined) return problems.add(path, "Unable to extract tag using discriminator 'type'")
  const tag = typeof type === 'string' ? type : JSON.stringify(type)
  const shape = Object.hasOwn(variants, tag) ? variants[tag] : undefined
  if (shape) return checkShape(`${path}/${tag}`, value, { ...shape, type: text }, problems)
  const tags = Object.keys(variants).map((known) => `'${known}'`)
  problems.add(
    path,
    `Input tag '${tag.slice(0, 100)}' found using 'type' does not match any of the expected tags: ${tags.join(', ')}`,
  )
}

function checkShape(path: string, value: unknown, shape: Shape, problems: Problems): void {
  if (!isRecord(value)) return problems.add(path, NO_OBJECT)
  for (const [key, expected] of Object.entries(shape)) {
    const isOptional = key.endsWith('?')
    const name = isOptional ? key.slice(0, -1) : key
    const item = value[name]
    if (item !== undefined && !(item === null && isOptional)) {
      checkValue(`${path}/${name}`, item, expected, problems)
    } else if (!isOptional) problems.add(`${path}/${name}`, 'Field required')
  }
  for (const name of Object.keys(value)) {
    const isKnown = Object.hasOwn(shape, name) || Object.hasOwn(shape, `${name}?`)
    if (!isKnown) problems.add(`${path}/${name}`, EXTRA)
  }
}

function checkValue(path: string, value: unknown, expected: Shape[string], problems: Problems): void {
  if (typeof expected === 'function') {
    const problem = expected(value)
    if (problem !== undefined) problems.add(path, problem)
  } else if (isVariants(expected)) checkVariants(path, value, expected, problems)
  else checkShape(path, value, expected, problems)
}

function isVariants(expected: Shape | Variants): expected is Variants {
  return 'variants' in expected
}
