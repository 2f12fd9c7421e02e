import type { ServiceError } from '../wire/errors.ts'
import { guid } from '../wire/ids.ts'
import { findModel, modelId, type ModelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { gatewayHeaders } from '../wire/service-headers.ts'
import { errorReply } from '../pipeline/error-reply.ts'
import type { Exchange } from '../pipeline/exchange.ts'
import { HeaderList } from '../pipeline/header-list.ts'
import { httpDate } from '../lib/http-date.ts'
import { textBody } from '../answer/body.ts'
import { type Reply } from '../pipeline/reply.ts'
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
  return catalogueReply(exchange, list)
}

/** Answers with one base model, by its id or its name. */
export function getModel(exchange: Exchange): Reply {
  const id = exchange.route?.id ?? ''
  const { models } = exchange.config
  const model: Model | undefined =
    models.versions.find((version) => modelId(version) === id) ?? findModel(id, models)
  return model ? catalogueReply(exchange, renderModel(model)) : errorReply(exchange, modelNotFound(id))
}

function catalogueReply(exchange: Exchange, body: string): Reply {
  const raw = gatewayHeaders({
    contentType: 'application/json',
    chunked: false,
    date: httpDate(exchange.clock.epochMs()),
    apimRequestId: guid(exchange.random),
    secured: true,
    region: exchange.config.region,
  })
  return { status: 200, headers: new HeaderList(raw), body: textBody(body) }
}

/** 404 in the service's envelope; `notFound` is the code of Azure/azure-rest-api-specs, the text is not captured. */
function modelNotFound(id: string): ServiceError {
  const message = JSON.stringify(`The model '${id}' does not exist.`)
  return {
    status: 404,
    body: `{"error":{"code":"notFound","message":${message}}}`,
    contentType: 'application/json',
    headers: 'deployment-404',
  }
}
