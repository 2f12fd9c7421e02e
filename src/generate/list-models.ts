import { gatewayError, type ServiceError } from '../wire/errors.ts'
import { findModel, modelId, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { refuse } from '../pipeline/reply-headers.ts'
import { textBody } from '../answer/body.ts'
import { HeaderList, type Reply } from '../pipeline/reply.ts'
import { renderModel } from '../wire/models/write-model.ts'

/** The list of a catalogue, which is the same for every request. */
const lists = new WeakMap<ModelCatalogue, string>()

/** Lists the base models of the region, in every version: not the deployments, as on the service. */
export function listModels(exchange: Exchange): Reply {
  const { models } = exchange.config
  let list = lists.get(models)
  if (list === undefined) {
    list = `{"data":[${models.versions.map(renderModel).join(',')}],"object":"list"}`
    lists.set(models, list)
  }
  return catalogueReply(list)
}

/** Answers with one base model, by its id or its name. */
export function getModel(exchange: Exchange): Reply {
  const id = exchange.route?.id ?? ''
  const { models } = exchange.config
  const model: Model | undefined =
    models.versions.find((version) => modelId(version) === id) ?? findModel(id, models)
  return model ? catalogueReply(renderModel(model)) : refuse(modelNotFound(id))
}

/** The catalogue is the resource's: no model and no limit is asked. */
function catalogueReply(body: string): Reply {
  const service = { layer: 'resource', contentType: 'application/json', chunked: false } as const
  return { status: 200, headers: new HeaderList(), body: textBody(body), service }
}

/** 404 in the service's envelope; `notFound` is the code of Azure/azure-rest-api-specs, the text is not captured. */
function modelNotFound(id: string): ServiceError {
  return gatewayError('resource', 404, 'notFound', `The model '${id}' does not exist.`)
}
