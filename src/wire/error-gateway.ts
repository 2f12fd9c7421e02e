import type { ServiceError } from './errors.ts'

const json = 'application/json'

/** 408 or 504: the service took too long. The message is captured, the envelope around it is not. */
export function timedOut(status: 408 | 504): ServiceError {
  return {
    status,
    body: '{"error":{"code":"Timeout","message":"The operation was timeout."}}',
    contentType: json,
    headers: 'deployment-404',
  }
}

/** 500 of the gateway in front of the model; from general knowledge, not captured. */
export function gatewayError(): ServiceError {
  return {
    status: 500,
    body: '{"error":{"code":"InternalServerError","message":"Internal server error"}}',
    contentType: json,
    headers: 'deployment-404',
  }
}

/** 400: a picture that cannot be read (public reports). */
export function invalidImage(): ServiceError {
  return {
    status: 400,
    body: '{"error":{"code":"BadRequest","message":"Invalid image data.","param":null,"type":null}}',
    contentType: json,
    headers: 'model',
  }
}

/** 400: the prompt repeats itself too often (public reports). */
export function repetitiveText(): ServiceError {
  return {
    status: 400,
    body: `{"error":{"message":"Sorry! We've encountered an issue with repetitive patterns in your prompt. Please try again with a different prompt.","type":"invalid_request_error","param":"prompt","code":"invalid_prompt"}}`,
    contentType: json,
    headers: 'model',
  }
}
