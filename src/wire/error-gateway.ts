import { gatewayError, modelError, type ServiceError } from './errors.ts'

/** 408 or 504: the service took too long. The message is captured, the envelope around it is not. */
export function timedOut(status: 408 | 504): ServiceError {
  return gatewayError('resource', status, 'Timeout', 'The operation was timeout.')
}

/** 500 of the gateway in front of the model; from general knowledge, not captured. */
export function gatewayFailure(): ServiceError {
  return gatewayError('resource', 500, 'InternalServerError', 'Internal server error')
}

/** 400: a picture that cannot be read (public reports). */
export function invalidImage(): ServiceError {
  return gatewayError('model', 400, 'BadRequest', 'Invalid image data.', 'sorted')
}

/** 400: the prompt repeats itself too often (public reports). */
export function repetitiveText(): ServiceError {
  const message =
    "Sorry! We've encountered an issue with repetitive patterns in your prompt. Please try again with a different prompt."
  return { ...modelError(message, 'prompt', 'invalid_prompt'), envelope: 'compact' }
}
