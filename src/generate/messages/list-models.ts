import { textBody } from '../../answer/body.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { refuse } from '../../pipeline/reply-headers.ts'
import { HeaderList, type Reply } from '../../pipeline/reply.ts'
import type { ServiceError } from '../../wire/errors.ts'
import { modelInfoJson } from '../../wire/messages/model-info.ts'
import { invalidMessages } from '../../wire/messages/messages-errors.ts'
import { headerProblem } from '../../wire/messages/validate-messages.ts'
import { isClaude } from '../../wire/models/claude-traits.ts'
import { findModel } from '../../wire/models/model-catalogue.ts'
import type { Model } from '../../wire/models/models.ts'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1_000

/** Lists the Claude models of the catalogue, in pages. Foundry does not have this operation; the form is that of Anthropic. */
export function listAnthropicModels(exchange: Exchange): Reply {
  const problem = versionProblem(exchange)
  if (problem !== undefined) return refuse(invalidMessages(problem))
  const models = exchange.config.models.models.filter(isClaude)
  const page = pageOf(models, new URLSearchParams(exchange.query))
  if (typeof page === 'string') return refuse(invalidMessages(page))
  const data = page.models.map((model) => modelInfoJson(model, exchange.clock.epochMs()))
  const [first = null, last = null] = [page.models[0], page.models.at(-1)].map(
    (model) => model?.versionedName,
  )
  return jsonReply(
    `{"data":[${data.join(',')}],"has_more":${page.hasMore},"first_id":${JSON.stringify(first)},"last_id":${JSON.stringify(last)}}`,
  )
}

/** Returns a Claude model by its name, with or without its version. */
export function getAnthropicModel(exchange: Exchange): Reply {
  const problem = versionProblem(exchange)
  if (problem !== undefined) return refuse(invalidMessages(problem))
  const id = exchange.route?.id ?? ''
  const model = findModel(id, exchange.config.models)
  return model && isClaude(model)
    ? jsonReply(modelInfoJson(model, exchange.clock.epochMs()))
    : refuse(modelNotFound(id))
}

function versionProblem({ headers }: Exchange): string | undefined {
  const version = headers['anthropic-version']
  return headerProblem({ version: typeof version === 'string' ? version : undefined, betas: undefined })
}

interface Page {
  readonly models: readonly Model[]
  readonly hasMore: boolean
}

/** Returns a page of the list, or what is wrong with the query. */
function pageOf(models: readonly Model[], query: URLSearchParams): Page | string {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!Number.isInteger(limit)) return 'limit: Input should be a valid integer'
  if (limit < 1) return 'limit: Input should be greater than or equal to 1'
  if (limit > MAX_LIMIT) return `limit: Input should be less than or equal to ${MAX_LIMIT}`
  const [after, before] = [query.get('after_id'), query.get('before_id')]
  if (after !== null && before !== null)
    return 'before_id: only one of before_id and after_id may be provided'
  const id = after ?? before
  if (id === null) return { models: models.slice(0, limit), hasMore: models.length > limit }
  const at = models.findIndex(({ versionedName }) => versionedName === id)
  if (at === -1)
    return `${after === null ? 'before_id' : 'after_id'}: '${id.slice(0, MAX_SHOWN)}' is not the id of a model`
  if (after !== null)
    return { models: models.slice(at + 1, at + 1 + limit), hasMore: models.length > at + 1 + limit }
  return { models: models.slice(Math.max(0, at - limit), at), hasMore: at > limit }
}

const MAX_SHOWN = 100

function modelNotFound(id: string): ServiceError {
  const message = `model: ${id}`
  return { ...invalidMessages(message), status: 404, type: 'not_found_error' }
}

/** Served by the resource itself: no model and no rate limit applies. */
function jsonReply(body: string): Reply {
  const service = { layer: 'resource', contentType: 'application/json', chunked: false } as const
  return { status: 200, headers: new HeaderList(), body: textBody(body), service }
}
