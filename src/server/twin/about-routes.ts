import { version } from '../../lib/version.ts'
import type { Operation } from '../../wire/route.ts'
import { twinName } from './audit-log.ts'
import type { TwinRoute } from './twin-route.ts'

interface Scenario {
  readonly name: string
  readonly description: string
  readonly capabilities: readonly string[]
}

const chat: Scenario = {
  name: 'chat-completions',
  description: 'POST /{resource}/openai/deployments/{deployment}/chat/completions, as JSON or as a stream.',
  capabilities: [
    'non_streaming_chat',
    'streaming_chat_sse',
    'synthetic_deterministic_text',
    'tool_calls',
    'structured_output',
  ],
}
const embeddings: Scenario = {
  name: 'embeddings',
  description:
    'POST /{resource}/openai/deployments/{deployment}/embeddings. Equal inputs have equal vectors.',
  capabilities: [
    'single_input_embedding',
    'batch_input_embedding',
    'deterministic_vectors',
    'base64_encoding',
    'dimensions',
  ],
}
const completions: Scenario = {
  name: 'completions',
  description: 'POST /{resource}/openai/deployments/{deployment}/completions: legacy completions.',
  capabilities: ['non_streaming_completion', 'streaming_completion_sse', 'prompt_lists'],
}
const responses: Scenario = {
  name: 'responses',
  description: 'POST /{resource}/openai/responses, with stored responses.',
  capabilities: ['non_streaming_response', 'streaming_response_sse', 'stored_responses', 'input_token_count'],
}
const images: Scenario = {
  name: 'images',
  description: 'POST /{resource}/openai/deployments/{deployment}/images/generations and images/edits.',
  capabilities: ['image_generation', 'image_edits'],
}
const audio: Scenario = {
  name: 'audio',
  description:
    'POST /{resource}/openai/deployments/{deployment}/audio/speech, transcriptions and translations.',
  capabilities: ['speech', 'transcriptions', 'translations'],
}
const models: Scenario = {
  name: 'models',
  description: 'GET /{resource}/openai/models lists the models of a resource.',
  capabilities: ['model_list'],
}
const messages: Scenario = {
  name: 'messages',
  description: 'POST /{resource}/anthropic/v1/messages: the Messages API of Anthropic for Claude models.',
  capabilities: ['non_streaming_message', 'streaming_message_sse', 'tool_use', 'thinking', 'token_count'],
}
const access: Scenario = {
  name: 'dual-auth',
  description:
    'All paths of a resource accept one of its keys, or a token of its token endpoint /{resource}/oauth2/v2.0/token.',
  capabilities: [
    'api_key_header_auth',
    'aad_bearer_auth',
    'per_resource_jwks',
    'oauth_client_credentials_token_issue',
  ],
}
const load: Scenario = {
  name: 'load-tests',
  description: 'Rate limits, latency and faults, which the operator configures.',
  capabilities: ['rate_limits', 'retry_headers', 'latency', 'faults'],
}

/** The scenario of each operation, so that the list has all operations. */
const scenarioOf: Readonly<Record<Operation, Scenario>> = {
  chatCompletions: chat,
  embeddings,
  completions,
  responses,
  countInputTokens: responses,
  compactConversation: responses,
  getResponse: responses,
  deleteResponse: responses,
  cancelResponse: responses,
  listInputItems: responses,
  imageGenerations: images,
  imageEdits: images,
  speech: audio,
  transcriptions: audio,
  translations: audio,
  listModels: models,
  getModel: models,
  messages,
  countMessageTokens: messages,
  listAnthropicModels: models,
  getAnthropicModel: models,
}

const scenarios = [...new Set([...Object.values(scenarioOf), access, load])].map(
  ({ name, description, capabilities }) => ({ name, status: 'supported', description, capabilities }),
)

const retrieved = '2026-11-30'

const references = [
  [
    'Azure OpenAI in Microsoft Foundry Models REST API reference',
    'https://learn.microsoft.com/en-us/azure/ai-services/openai/reference',
  ],
  [
    'OAuth 2.0 client credentials flow on the Microsoft identity platform',
    'https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow',
  ],
  ['RFC 7617: The Basic HTTP Authentication Scheme', 'https://www.rfc-editor.org/rfc/rfc7617'],
  ['RFC 7517: JSON Web Key (JWK)', 'https://www.rfc-editor.org/rfc/rfc7517'],
  ['RFC 7519: JSON Web Token (JWT)', 'https://www.rfc-editor.org/rfc/rfc7519'],
  ['RFC 7638: JSON Web Key (JWK) Thumbprint', 'https://www.rfc-editor.org/rfc/rfc7638'],
].map(([title, url]) => ({ title, url, retrieved }))

/** At most 80 lines and 3,000 characters, as the contract of the original twin requires. */
const instructions = (origin: string): string => `Azure OpenAI twin at ${origin}
It answers like Azure OpenAI with generated answers. No real model is called.

1. Create a tenant. The secret is shown once.
   POST /_twin/tenants {"friendly_name": "dev"}
   -> {"tenant_id", "tenant_secret"}
2. Create a resource, with HTTP Basic tenant_id:tenant_secret, as for all further steps.
   POST /_twin/resources {"resource_id": "acme"}
   -> {"base_url": "${origin}/acme"}
3. Create a key. It is shown once.
   POST /_twin/resources/acme/api_keys {}
   -> {"key_id", "api_key"}
4. Create a deployment.
   POST /_twin/resources/acme/deployments {"deployment_id": "chat", "model": "gpt-4o-mini"}
5. Send requests to the base_url of the resource, with the header api-key.
   POST /acme/openai/deployments/chat/chat/completions?api-version=2024-10-21
   {"messages": [{"role": "user", "content": "Hello"}]}

Clients: new AzureOpenAI({ endpoint: "${origin}/acme", apiKey, apiVersion: "2024-10-21", deployment: "chat" })
Tokens instead of a key:
   POST /acme/oauth2/v2.0/token with grant_type=client_credentials, client_id=<key_id>,
   client_secret=<api_key>, then Authorization: Bearer <access_token>.

Other paths:
   GET /_twin/health, /_twin/settings, /_twin/scenarios, /_twin/references (no credentials)
   GET /_twin/logs?limit=100&offset=0 lists what happened, with the reason of each failure
   GET /_twin/tenants, DELETE /_twin/tenants/{tenant_id}
   GET /_twin/resources, DELETE /_twin/resources/{resource_id}
   GET .../api_keys, DELETE .../api_keys/{key_id}
   GET .../deployments, DELETE .../deployments/{deployment_id}
   POST /_twin/feedback {"body": "..."}, GET /_twin/feedback, DELETE /_twin/feedback/{id}
   POST /_twin/reset deletes all resources, feedback and logs of your tenant
Errors of /_twin: {"error": "<text>"}. A resource of another tenant is 404.
`

/** Returns the public routes that describe the twin. */
export function aboutRoutes(): readonly TwinRoute[] {
  return [
    publicPage('/_twin/health', () => ({ status: 'ok', twin: twinName, version })),
    publicPage('/_twin/settings', (origin) => ({ twin: twinName, version, base_url: origin })),
    publicPage('/_twin/scenarios', () => ({ scenarios })),
    publicPage('/_twin/references', () => ({ references })),
    publicPage('/_twin/agent-instructions', instructions),
  ]
}

function publicPage(path: string, body: (origin: string) => object | string): TwinRoute {
  return {
    method: 'GET',
    path,
    auth: 'public',
    handle: async ({ origin }) => ({ status: 200, body: body(origin) }),
  }
}
