import { apiVersionRules } from './api-version-rules.ts'
import { setting, integer, oneOf, text, textThat, type ValueKind } from './setting.ts'

const group = 'Upstreams'

/** Kinds of upstreams, which differ in paths and in the header of the credential. */
export const upstreamKinds = ['azure', 'openai', 'anthropic', 'serverless'] as const

/** Ways to authenticate at an upstream. */
export const credentialKinds = ['key', 'entra', 'caller'] as const

/** Settings of an upstream. The variables are those of the default one. */
export const upstreamSettings = {
  endpoint: setting(webAddress(), {
    env: 'AZURE_OPENAI_ENDPOINT',
    group,
    mayHoldSecret: true,
    unsetMeaning: 'none; record and forward need it',
    description: 'Address of the real service: https://my-resource.openai.azure.com.',
  }),
  key: setting(secretText(), {
    env: 'AZURE_OPENAI_KEY',
    group,
    unsetMeaning: 'none; record and forward need it',
    secret: true,
    description: 'Key of the real service, sent instead of the client key.',
  }),
  kind: setting(oneOf(upstreamKinds), {
    env: 'UPSTREAM_KIND',
    group,
    unsetMeaning: 'by the address: the hosts of Azure, OpenAI and Anthropic, else azure',
    description:
      'API of the real service: azure for Azure OpenAI and Azure AI Foundry, openai, anthropic, or serverless for models of *.models.ai.azure.com.',
  }),
  credential: setting(oneOf(credentialKinds), {
    env: 'UPSTREAM_CREDENTIAL',
    group,
    default: 'key',
    description:
      'Credential for the real service: key sends AZURE_OPENAI_KEY, entra a token of Microsoft Entra ID, caller the credential of the request.',
  }),
  tenantId: setting(text(/^[\w.-]{1,256}$/, 'the id or domain of a tenant'), {
    env: 'UPSTREAM_TENANT_ID',
    group,
    unsetMeaning: 'none',
    description: 'Tenant of the client secret. For entra.',
  }),
  clientId: setting(text(/^[\w.-]{1,256}$/, 'the id of an application or identity'), {
    env: 'UPSTREAM_CLIENT_ID',
    group,
    unsetMeaning: 'the default credential chain of Azure',
    description:
      'Application of the client secret or, without a secret, a user-assigned managed identity. For entra.',
  }),
  clientSecret: setting(secretText(), {
    env: 'UPSTREAM_CLIENT_SECRET',
    group,
    unsetMeaning: 'none',
    secret: true,
    description: 'Client secret of the application. For entra.',
  }),
  scope: setting(text(/^[\x21-\x7e]{1,1000}$/, 'a scope without spaces'), {
    env: 'UPSTREAM_SCOPE',
    group,
    unsetMeaning: defaultScope(),
    description: 'Scope of tokens. For entra.',
  }),
  apiVersion: setting(apiVersionRules(), {
    env: 'UPSTREAM_API_VERSION',
    group,
    default: 'as-asked',
    description:
      'API version sent to Azure: as-asked (that of the client), v1 (/openai/v1/ paths), by-model, a date, or rules by operation and model prefix. The operation has priority over the model.',
  }),
  connectTimeoutMs: timeout('CONNECT', 10_000, 'Timeout to connect, including TLS.'),
  // A reasoning model takes minutes before the first byte. The official clients time out after 10 minutes.
  firstByteTimeoutMs: timeout('FIRST_BYTE', 600_000, 'Timeout until the first byte of the answer.'),
  idleTimeoutMs: timeout('IDLE', 120_000, 'Timeout for a pause within the answer.'),
  totalTimeoutMs: timeout('TOTAL', 1_800_000, 'Timeout for a whole forwarded request, including retries.'),
  connections: setting(integer(1, 65_535), {
    env: 'UPSTREAM_CONNECTIONS',
    group,
    default: 512,
    description: 'Maximum connections to the real service. Further requests wait.',
  }),
  retries: setting(integer(0, 20), {
    env: 'UPSTREAM_RETRIES',
    group,
    default: 0,
    description: 'Maximum retries after 408, 429, 5xx or a failed connection (docs/recording.md).',
  }),
}

/** Scope of tokens for Azure OpenAI and Azure AI Foundry (Microsoft Learn, "Azure OpenAI with Microsoft Entra ID"). */
export function defaultScope(): string {
  return 'https://cognitiveservices.azure.com/.default'
}

function timeout(which: string, defaultMs: number, description: string) {
  return setting(integer(1, 86_400_000), {
    env: `UPSTREAM_${which}_TIMEOUT_MS`,
    group,
    default: defaultMs,
    unit: 'ms',
    description,
  })
}

function secretText(): ValueKind<string> {
  return text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces')
}

/** The path of an operation, as in the target URI of a deployment. Requests have their own. */
const operationPath =
  /\/openai\/deployments\/|\/(?:chat\/completions|completions|embeddings|responses|messages|models)\/*$/i

/** Rejects credentials in the address, because it appears in logs and recordings. The key has its own setting. */
function webAddress(): ValueKind<string> {
  const isAddress = (value: string): boolean => {
    if (!/^https?:\/\/[^\s?#@]+$/i.test(value)) return false
    return URL.canParse(value) && !operationPath.test(new URL(value).pathname)
  }
  return textThat(
    isAddress,
    'an http or https address without a query, a password or the path of an operation',
  )
}

/** Returns whether an upstream can have the name. */
export function isUpstreamName(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name)
}

/** The rule for names of upstreams, for use in messages. */
export const upstreamNameRule = 'must have a name of 1 to 64 letters, digits, dots, dashes or underscores'
