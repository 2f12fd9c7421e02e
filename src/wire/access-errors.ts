import { gatewayError, type ServiceError } from './errors.ts'
import { operations, type Operation } from './route.ts'

// The service refuses the caller. Except for a wrong key, its bodies come from public reports.

/**
 * 401: the token is missing, expired or for another audience (public reports, in the format of the gateway). Paths without an
 * api-version name the audience of Foundry (public reports, 2026).
 *
 * @param isDated whether the path requires an api-version
 */
export function invalidToken(isDated: boolean): ServiceError {
  const audience = isDated ? 'https://cognitiveservices.azure.com' : 'https://ai.azure.com'
  return {
    status: 401,
    code: null,
    type: null,
    message: `Unauthorized. Access token is missing, invalid, audience is incorrect (${audience}), or have expired.`,
    param: null,
    layer: 'authentication',
    envelope: 'token',
  }
}

/**
 * 401: the principal of the token lacks a role that allows the operation (public reports of chat with an api-version, and of responses
 * on both paths; others are analogous). `{deployment-id}` is literal text of the service, not a placeholder of the simulator.
 *
 * @param principal GUID of the principal
 * @param isDated whether the path requires an api-version
 */
export function permissionDenied(principal: string, operation: Operation, isDated: boolean): ServiceError {
  const { method, path, datedUnder } = operations[operation]
  const isDeployed = datedUnder === 'deployments'
  const action = isDeployed ? `deployments/${path}/action` : `${path.split('/')[0]}/${rights[method]}`
  const prefix = isDated ? `/openai/${isDeployed ? 'deployments/{deployment-id}/' : ''}` : '/openai/v1/'
  const message = `The principal \`${principal}\` lacks the required data action \`Microsoft.CognitiveServices/accounts/OpenAI/${action}\` to perform \`${method} ${prefix}${path}\` operation.`
  return gatewayError('authentication', 401, 'PermissionDenied', message)
}

const rights = { GET: 'read', POST: 'write', DELETE: 'delete' } as const

/** 403: the resource accepts only tokens (public reports). */
export function keysDisabled(): ServiceError {
  return gatewayError(
    'edge',
    403,
    'AuthenticationTypeDisabled',
    'Key based authentication is disabled for this resource.',
    'gateway-spaced',
  )
}

/** 403: a network rule denies the caller (public reports). */
export function networkDenied(): ServiceError {
  return gatewayError(
    'edge',
    403,
    '403',
    'Access denied due to Virtual Network/Firewall rules.',
    'gateway-spaced',
  )
}

/** 403: the resource is blocked for abuse (public reports). */
export function resourceBlocked(): ServiceError {
  return gatewayError(
    'edge',
    403,
    'Forbidden',
    'Your resource has been temporarily blocked because we detected behavior that may violate our content policy. For more details on Azure OpenAI service content policy, please visit https://aka.ms/aoaicodeofconduct',
  )
}
