import type { Refusal } from '../../access/credentials.ts'
import type { Config, ResourceView } from '../../config/config.ts'
import { failureOf } from '../../journal/observe-calls.ts'
import { keyForms, redactedParameter, redactText } from '../../lib/credential-texts.ts'
import { shortText } from '../../lib/error-text.ts'
import { fieldsOf } from '../../lib/record.ts'
import { asksForStream, type Exchange } from '../../pipeline/exchange.ts'
import { outcomeStatus, type Reply } from '../../pipeline/reply.ts'
import { mapMaybe, type Run } from '../../pipeline/stage.ts'
import type { Operation } from '../../wire/route.ts'
import type { AuditRecord, AuditSink } from './audit-log.ts'

/** Dependencies of `auditRequests`. */
export interface AuditRequestsDeps {
  readonly audit: AuditSink
  readonly config: () => Config
  /** Returns the current keys, which records must not contain. */
  readonly secrets: () => readonly string[]
}

/** Records the requests to resources that have a tenant, when their answer is planned. */
export function auditRequests(run: Run, deps: AuditRequestsDeps): Run {
  return (exchange) =>
    mapMaybe(run(exchange), (reply) => {
      const { tenant } = exchange.config
      if (!exchange.route && reply.status === 404) recordUnknownPath(exchange, deps)
      else if (tenant !== undefined) recordOperation(exchange, reply, tenant, deps)
      return reply
    })
}

/** Names of operations in records. */
const operationNames: Readonly<Record<Operation, string>> = {
  chatCompletions: 'data.chat.completion',
  completions: 'data.completions.create',
  embeddings: 'data.embeddings.create',
  responses: 'data.responses.create',
  countInputTokens: 'data.responses.count_tokens',
  compactConversation: 'data.responses.compact',
  getResponse: 'data.responses.get',
  deleteResponse: 'data.responses.delete',
  cancelResponse: 'data.responses.cancel',
  listInputItems: 'data.responses.list_input_items',
  imageGenerations: 'data.images.generate',
  imageEdits: 'data.images.edit',
  speech: 'data.audio.speech',
  transcriptions: 'data.audio.transcription',
  translations: 'data.audio.translation',
  listModels: 'data.models.list',
  getModel: 'data.models.get',
  messages: 'data.messages.create',
  countMessageTokens: 'data.messages.count_tokens',
  listAnthropicModels: 'data.models.list',
  getAnthropicModel: 'data.models.get',
}

function recordOperation(
  exchange: Exchange,
  reply: Reply,
  tenant: string,
  { audit }: AuditRequestsDeps,
): void {
  const { route, deployment, refusal } = exchange
  if (refusal !== undefined) {
    recordRefusal(exchange, refusal, tenant, audit)
    return
  }
  const status = outcomeStatus(reply)
  // Invalid requests are in the journal only, as in the original twin.
  if (!route || (status >= 400 && status !== 429 && status < 500)) return
  const reason = failureReason(reply) ?? null
  audit.add({
    ...headOf(exchange, tenant),
    operation: operationNames[route.operation],
    resource: deployment
      ? { type: 'deployment', id: deployment.name }
      : { type: 'resource', id: exchange.resource },
    outcome: reason === null ? 'success' : 'failure',
    reason,
    details: detailsOf(exchange, route.operation),
  })
}

function failureReason(reply: Reply): string | undefined {
  if (reply.limitedBy !== undefined) return `Limit of ${reply.limitedBy} exceeded.`
  const failure = failureOf(reply)
  return failure === 'cut' ? 'The connection was cut.' : failure && `The answer has status ${failure}.`
}

/** Refusals of a key, or of a request without credentials. The others are of tokens. */
const keyRefusals: ReadonlySet<string> = new Set<Refusal>([
  'missing-credentials',
  'unknown-resource',
  'unknown-key',
  'key-of-other-resource',
  'key-disabled',
])

function recordRefusal(exchange: Exchange, refusal: string, tenant: string, audit: AuditSink): void {
  audit.add({
    ...headOf(exchange, tenant),
    operation: keyRefusals.has(refusal) ? 'auth.api_key.validate' : 'auth.aad.token.validate',
    resource: { type: 'resource', id: exchange.resource },
    outcome: 'failure',
    reason: refusal,
    details: {},
  })
}

function detailsOf(exchange: Exchange, operation: Operation): AuditRecord['details'] {
  const { deployment } = exchange
  const resource_id = exchange.resource
  if (!deployment) return { resource_id }
  const common = { resource_id, model: deployment.model.name }
  switch (operation) {
    case 'chatCompletions':
    case 'responses':
      return {
        ...common,
        stream: asksForStream(exchange),
        api_version: redactText(shortText(exchange.apiVersion ?? '', MAX_VERSION_LENGTH)),
      }
    case 'messages':
      return { ...common, stream: asksForStream(exchange) }
    case 'embeddings':
      return { ...common, n_inputs: countInputs(fieldsOf(exchange.json)['input']) }
    default:
      return common
  }
}

const MAX_VERSION_LENGTH = 40

/** Number of texts: a list of numbers is one text as tokens. */
function countInputs(input: unknown): number {
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
}

const firstSegment = /^\/([a-z0-9][a-z0-9-]{0,63})\//

/** Records a path that no operation has, under a resource of a tenant. Paths of unknown resources are not recorded. */
function recordUnknownPath(exchange: Exchange, { audit, config, secrets }: AuditRequestsDeps): void {
  const [, resource = ''] = firstSegment.exec(exchange.path) ?? []
  const view: ResourceView | undefined = config().resources.get(resource)
  if (view?.tenant === undefined) return
  const rest = exchange.path.slice(resource.length + 1, MAX_READ_LENGTH)
  const path = `/${resource}${shortText(withoutSecrets(redactText(rest), secrets()), MAX_PATH_LENGTH)}`
  audit.add({
    ...headOf(exchange, view.tenant),
    operation: 'data.unknown.path',
    resource: { type: 'resource', id: resource },
    outcome: 'failure',
    reason: 'The path does not exist.',
    details: { method: shortText(exchange.method, MAX_VERSION_LENGTH), path },
  })
}

/** A key that is cut at the end is not shown. */
const MAX_READ_LENGTH = 1_000
const MAX_PATH_LENGTH = 200

/** Generated keys, which are known only after their first use. */
const longName = /[\w-]{32,}/g

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const hidden = text.replace(longName, redactedParameter)
  return secrets
    .flatMap((key) => [key, ...keyForms(key)])
    .reduce((rest, secret) => rest.replaceAll(secret, redactedParameter), hidden)
}

function headOf(
  { clock, id }: Exchange,
  tenant: string,
): Pick<AuditRecord, 'timestamp' | 'tenant_id' | 'correlation_id' | 'plane'> {
  return {
    timestamp: new Date(clock.epochMs()).toISOString(),
    tenant_id: tenant,
    correlation_id: id,
    plane: 'data',
  }
}
