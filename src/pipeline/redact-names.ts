/** Credentials of the services and gateways that stand in front of models, in lower case. */
const credentialHeaders: ReadonlySet<string> = new Set([
  'api-key',
  'apikey',
  'authorization',
  'cookie',
  'cookie2',
  'ocp-apim-subscription-key',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'set-cookie2',
  'www-authenticate',
  'x-api-key',
  'x-functions-key',
  'x-goog-api-key',
  'x-ms-client-principal',
])

/**
 * What looks like a credential: a whole word of the name says so. `x-ratelimit-remaining-tokens` counts something, and
 * `azureml-model-session` names a build; neither lets anybody in.
 */
const credentialWord =
  /(?:^|[-_.])(?:api-?key|key|token|jwt|secret|password|passwd|pwd|passphrase|credentials?|auth|authentication|authorization|bearer|signature|sig|hmac|cookie|client-?cert|cert|session-?id|sid|csrf|xsrf)(?:$|[-_.])/

/** Whether a header lets somebody in. @param name in any case */
export function isCredentialHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return credentialHeaders.has(lower) || credentialWord.test(lower)
}

/** Parameters that sign or open a URL: of Azure Storage, Azure Functions, API Management and OAuth. */
const credentialParameter =
  /^(?:sig|signature|code|key|api[-_]?key|subscription-key|(?:\w+[-_])?(?:access|refresh|id|auth|sas|session)?[-_]?token|(?:\w+[-_])?(?:secret|password|pwd|passwd)|client_assertion|assertion)$/i

/** Whether a parameter of a query or of a form opens something. */
export function isCredentialParameter(name: string): boolean {
  return credentialParameter.test(name)
}
