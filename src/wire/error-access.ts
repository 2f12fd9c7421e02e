import type { ServiceError } from './errors.ts'

const json = 'application/json'

/** 401: a token that is missing, expired or for another audience (public reports; the gateway's own envelope). */
export function invalidToken(): ServiceError {
  return {
    status: 401,
    body: '{ "statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired." }',
    contentType: json,
    headers: 'edge-401',
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
  return {
    status: 401,
    body: `{"error":{"code":"PermissionDenied","message":${JSON.stringify(message)}}}`,
    contentType: json,
    headers: 'edge-401',
  }
}

/** 403: the resource takes tokens only (public reports). */
export function keysDisabled(): ServiceError {
  return {
    status: 403,
    body: '{"error":{"code":"AuthenticationTypeDisabled","message": "Key based authentication is disabled for this resource."}}',
    contentType: json,
    headers: 'edge-404',
  }
}

/** 403: the caller's network is not let in (public reports). */
export function networkDenied(): ServiceError {
  return {
    status: 403,
    body: '{"error":{"code":"403","message": "Access denied due to Virtual Network/Firewall rules."}}',
    contentType: json,
    headers: 'edge-404',
  }
}

/** 403: the resource is blocked for abuse (public reports). */
export function resourceBlocked(): ServiceError {
  return {
    status: 403,
    body: '{"error":{"code":"Forbidden","message":"Your resource has been temporarily blocked because we detected behavior that may violate our content policy. For more details on Azure OpenAI service content policy, please visit https://aka.ms/aoaicodeofconduct"}}',
    contentType: json,
    headers: 'edge-404',
  }
}
