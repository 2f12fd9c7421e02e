import { gatewayError, type ServiceError } from './errors.ts'

/** 401: a token that is missing, expired or for another audience (public reports; the gateway's own envelope). */
export function invalidToken(): ServiceError {
  return {
    status: 401,
    code: null,
    type: null,
    message:
      'Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired.',
    param: null,
    layer: 'authentication',
    envelope: 'token',
  }
}

/**
 * 401: the token's principal has no role that allows the operation (public reports). `{deployment-id}` stands literally
 * in the service's own text.
 *
 * @param principal a guid
 * @param path of the operation behind the deployment: `chat/completions`
 */
export function permissionDenied(principal: string, path: string): ServiceError {
  const message = `The principal \`${principal}\` lacks the required data action \`Microsoft.CognitiveServices/accounts/OpenAI/deployments/${path}/action\` to perform \`POST /openai/deployments/{deployment-id}/${path}\` operation.`
  return gatewayError('authentication', 401, 'PermissionDenied', message)
}

/** 403: the resource takes tokens only (public reports). */
export function keysDisabled(): ServiceError {
  return gatewayError(
    'edge',
    403,
    'AuthenticationTypeDisabled',
    'Key based authentication is disabled for this resource.',
    'gateway-spaced',
  )
}

/** 403: the caller's network is not let in (public reports). */
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
