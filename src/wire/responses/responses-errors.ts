import { modelError, type ServiceError } from '../errors.ts'

/** 400: the previous response is unknown, deleted or expired (public report, 2026). */
export function previousResponseNotFound(id: string): ServiceError {
  return modelError(
    `Previous response with id '${id}' not found.`,
    'previous_response_id',
    'previous_response_not_found',
  )
}

/** 404: the response is not stored. */
export function responseNotFound(id: string): ServiceError {
  return { ...modelError(`Response with id '${id}' not found.`, null, null), status: 404 }
}

/** 400: the id is not that of a response. `param` is the field that contains it. */
export function notAResponseId(id: string, param: string): ServiceError {
  const message = `Invalid '${param}': '${id}'. Expected an ID that begins with 'resp'.`
  return modelError(message, param, 'invalid_value')
}

/** 404: the input refers to an item that is not stored. */
export function itemNotFound(id: string): ServiceError {
  const message = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`
  return { ...modelError(message, 'input', null), status: 404 }
}

/** 400: the input, or the previous response, contains a call without its output. */
export function toolOutputMissing(callId: string): ServiceError {
  return modelError(`No tool output found for function call ${callId}.`, 'input', null)
}

/** 400: the input contains an output without its call. */
export function toolCallMissing(callId: string): ServiceError {
  return modelError(`No tool call found for function call output with call_id ${callId}.`, 'input', null)
}

/** 400: the input approves a call that was not requested. The text is not captured. */
export function approvalRequestMissing(id: string): ServiceError {
  return modelError(
    `No approval request found for approval response with approval_request_id ${id}.`,
    'input',
    null,
  )
}

/** 400: only a response with `background` can be canceled. */
export function notCancellable(): ServiceError {
  return modelError('Cannot cancel a synchronous response.', null, null)
}

/** 400: the conversation exceeds the context window. */
export function inputTooLong(): ServiceError {
  return modelError(
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
    'input',
    'context_length_exceeded',
  )
}
