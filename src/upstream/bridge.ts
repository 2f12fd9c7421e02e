import { withMembers, withTextMember } from '../lib/json-members.ts'
import { fieldsOf, isRecord } from '../lib/record.ts'
import { asksForStream, type Exchange } from '../pipeline/exchange.ts'
import type { Reply } from '../pipeline/reply.ts'
import { apiFamilyOf, apiFormOf, apiNames, operationOfForm, type ApiForm } from '../wire/conversion.ts'
import { convertBody } from '../wire/convert-body.ts'
import { malformedJson, modelError, modelRequired, type ServiceError } from '../wire/errors.ts'
import { modelOfDeployment } from '../wire/models/assume-model.ts'
import { indicatedClaudeTraits, isClaude } from '../wire/models/claude-traits.ts'
import { capabilitiesOf } from '../wire/models/model-capabilities.ts'
import { findModel } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { withFormField } from '../wire/multipart.ts'
import { normalizeRequest, type NormalizationName } from '../wire/normalize-request.ts'
import { type AnswerConversion, convertAnswer } from './convert-answer.ts'
import type { Upstream } from '../config/upstreams.ts'
import type { UpstreamRoute } from '../pipeline/upstream-of.ts'
import { addressOf, requestAsAsked, type UpstreamRequest } from './upstream-request.ts'
import { targetOf } from './upstream-target.ts'

/** How a request is sent to its upstream. */
export interface PlannedCall {
  readonly request: UpstreamRequest
  /**
   * Converts the answer to the API of the caller; absent if the upstream answers in it.
   *
   * @param onBodyFailure called with the reason if a stream fails after its start
   * @throws {UpstreamFailure} for an answer that cannot be read
   */
  readonly convert?: (reply: Reply, onBodyFailure: (why: string) => void) => Promise<Reply>
}

/** The APIs of each kind of upstream. */
const formsOfKind: Readonly<Record<Upstream['kind'], readonly ApiForm[]>> = {
  azure: ['chat', 'responses', 'messages'],
  openai: ['chat', 'responses'],
  anthropic: ['messages'],
  serverless: ['chat'],
}

/**
 * Plans the call of an upstream: its API, the body of the request, and the conversion of the answer. A body that is not converted keeps
 * its bytes, except for `model`, which gets the name at the upstream, and for the members that a normalisation changes. Returns an error
 * for a request that the API of the upstream cannot express.
 */
export function planCall(exchange: Exchange, route: UpstreamRoute): PlannedCall | ServiceError {
  const { upstream, to } = route
  const operation = exchange.route?.operation
  const asked = apiFormOf(operation)
  const name = to.name ?? exchange.deploymentName
  const family = apiFamilyOf(operation)
  if (family === undefined) return { request: namedRequest(exchange, route, name) }
  const model = modelOf(exchange, name)
  const form = formAt(upstream, to.form, family, model)
  if (form === family) return { request: namedRequest(exchange, route, name, model) }
  if (asked === undefined) return operationNotConvertible(form)
  if (name === undefined) return modelRequired()
  return planConversion(exchange, route, { asked, form, name, model })
}

/** The names and the APIs of a converted call. */
interface ConvertedCall {
  readonly asked: ApiForm
  /** API of the upstream. */
  readonly form: ApiForm
  /** Name at the upstream. */
  readonly name: string
  /** Undefined for a model that is not in the catalogue. */
  readonly model: Model | undefined
}

function planConversion(
  exchange: Exchange,
  { upstream, to }: UpstreamRoute,
  { asked, form, name, model }: ConvertedCall,
): PlannedCall | ServiceError {
  const { json, method, servicePath, query, clock, random } = exchange
  if (!isRecord(json)) return malformedJson()
  const maxOutputTokens = model && model.maxOutputTokens > 0 ? model.maxOutputTokens : undefined
  const claude =
    model && isClaude(model)
      ? indicatedClaudeTraits(exchange.deployment?.model?.errorName ?? name, model)
      : undefined
  const converted = convertBody(json, asked, form, { model: name, drop: to.drop, maxOutputTokens, claude })
  if (converted.kind === 'refused') return converted.error
  const operation = operationOfForm[form]
  const body = normalizeRequest(converted.body, operation, model ?? name, to.normalize)
  const { capabilities } = model ?? { capabilities: capabilitiesOf({ name, reasoning: false }) }
  const conversion: AnswerConversion = {
    asked,
    answered: form,
    isStreamed: asksForStream(exchange),
    origin: targetOf(upstream.endpoint).origin,
    context: () => ({
      request: json,
      modelName: name,
      model: { capabilities },
      random,
      nowMs: () => clock.epochMs(),
    }),
  }
  return {
    request: {
      operation,
      model: name,
      modelName: exchange.deployment?.model.errorName,
      method,
      servicePath,
      query,
      body: Buffer.from(JSON.stringify(body)),
      contentType: 'application/json',
      converted: true,
    },
    convert: (reply, onBodyFailure) => convertAnswer(exchange, reply, conversion, onBodyFailure),
  }
}

/** The API that an upstream is asked with: that of the request if the model has it there, else one that it has. */
function formAt(
  { kind }: Upstream,
  configured: UpstreamRoute['to']['form'],
  asked: ApiForm,
  model: Model | undefined,
): ApiForm {
  if (configured !== undefined) return configured === 'asked' ? asked : configured
  const ofKind = formsOfKind[kind]
  const ofModel = ofKind.filter((form) => model?.operations.includes(operationOfForm[form]))
  const forms = ofModel.length > 0 ? ofModel : ofKind
  return forms.includes(asked) ? asked : (forms[0] ?? asked)
}

/** The model that a deployment or a name at the upstream indicates; undefined if the catalogue has none. */
function modelOf({ deployment, config: { models } }: Exchange, name: string | undefined): Model | undefined {
  const configured = deployment?.model
  if (configured && configured.errorName === configured.name) return configured
  const indicated = configured?.errorName ?? name
  return indicated === undefined
    ? undefined
    : (findModel(indicated, models) ?? modelOfDeployment(indicated, models))
}

/** The request of the client, with the name at the upstream. @param model set for requests that are normalised */
function namedRequest(
  exchange: Exchange,
  { upstream, to }: UpstreamRoute,
  name: string | undefined,
  model?: Model,
): UpstreamRequest {
  const { body, isForm, route } = exchange
  const normalized = model && !isForm ? normalizedBody(exchange, model, to.normalize) : body
  const request = { ...requestAsAsked(exchange, name), body: normalized }
  // The body that names the deployment has the name already.
  if (name === undefined || (to.name === undefined && route?.deploymentName === undefined)) return request
  const { hasModelInPath } = addressOf(request, upstream)
  if (to.name === undefined && hasModelInPath) return request
  return { ...request, body: withModel(exchange, normalized, name, hasModelInPath) }
}

/** The body with the name at the upstream. A body without a model gets one only if the path does not have it. */
function withModel(exchange: Exchange, body: Buffer, name: string, hasModelInPath: boolean): Buffer {
  const { isForm, form, json, headers } = exchange
  if (isForm ? !form : !isRecord(json)) return body
  const { model } = isForm ? { model: form?.text('model') } : fieldsOf(json)
  if (model === name || (model === undefined && hasModelInPath)) return body
  return isForm
    ? withFormField(body, headers['content-type'], 'model', name)
    : withTextMember(body, 'model', name)
}

function normalizedBody(
  { json, body, route }: Exchange,
  model: Model,
  on: ReadonlySet<NormalizationName>,
): Buffer {
  if (!isRecord(json)) return body
  const normalized = normalizeRequest(json, route?.operation, model, on)
  return normalized === json ? body : withMembers(body, json, normalized)
}

/** 400: the API of the upstream has no equivalent of the operation. */
function operationNotConvertible(form: ApiForm): ServiceError {
  const message = `Could not forward the request: the upstream of this deployment is asked with ${apiNames[form]}, which has no equivalent of this operation. Use another deployment, or set 'form' of the deployment to the API of the request.`
  return { ...modelError(message, null, 'unsupported_operation'), envelope: 'compact' }
}
