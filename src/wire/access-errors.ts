import { gatewayError, type ServiceError } from './errors.ts'

// The service refuses the caller. Except for a wrong key, its bodies come from public reports.

/** 401: the token is missing, expired or for another audience (public reports, in the format of the gateway). */
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
 * 401: the principal of the token lacks a role that allows the operation (public reports). `{deployment-id}` is literal text
 * of the service, not a placeholder of the simulator.
 *
 * @param principal GUID of the principal
 * @param path path of the operation after the deployment, such as `chat/completions`
 */
export function permissionDenied(principal: string, path: string): ServiceError {
  const message = `The principal \`${principal}\` lacks the required data action \`Microsoft.CognitiveServices/accounts/OpenAI/deployments/${path}/action\` to perform \`POST /openai/deployments/{deployment-id}/${path}\` operation.`
  return gatewayError('authentication', 401, 'PermissionDenied', message)
}

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
