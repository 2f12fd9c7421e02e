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

/** 400: the input has an item twice, or an item of the previous response (public reports, 2025 and 2026). */
export function duplicateItem(id: string): ServiceError {
  const message = `Duplicate item found with id ${id}. Remove duplicate items from your input and try again.`
  return modelError(message, 'input', null)
}

/** 400: the input has a reasoning item without the item that it belongs to (openai/codex#6375 on Azure, 2025-11). */
export function reasoningWithoutItem(id: string): ServiceError {
  const message = `Item '${id}' of type 'reasoning' was provided without its required following item.`
  return modelError(message, 'input', null)
}

/** 400: the input has a stored item without the reasoning that belongs to it (earendil-works/pi#2118, cline/cline#12242, 2026-07). */
export function reasoningMissing(id: string, type: string, reasoningId: string): ServiceError {
  const message = `Item '${id}' of type '${type}' was provided without its required 'reasoning' item: '${reasoningId}'.`
  return modelError(message, 'input', null)
}

/**
 * 400: the conversation has reasoning, but the model does not reason (openai/openai-agents-python#569 and #2602, 2025 and 2026). `param`
 * is not captured.
 */
export function reasoningNotAccepted(): ServiceError {
  const message =
    'Reasoning input items can only be provided to a reasoning or computer use model. Remove reasoning items from your input and try again.'
  return modelError(message, 'input', null)
}

/** Characters at each end of encrypted content in a message. */
const SHOWN_CHARACTERS = 4

/**
 * 400: encrypted content that the service has not issued. The message names the item, or the content of an item without an id (public
 * reports, 2025 to 2026; anomalyco/opencode#29879 on Azure, 2026-05).
 */
export function encryptedContentInvalid(content: string, id: string | undefined): ServiceError {
  const shown = `${content.slice(0, SHOWN_CHARACTERS)}...${content.slice(-SHOWN_CHARACTERS)}`
  const subject = id === undefined ? shown : `for item ${id}`
  const message = `The encrypted content ${subject} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`
  return modelError(message, null, 'invalid_encrypted_content')
}

/** 400: encrypted content of another resource of Azure (public reports, 2026-07 to 2026-10). */
export function itemOfOtherResource(): ServiceError {
  const message =
    'The requested item was created under a different Azure OpenAI resource. Use the same resource that created the item to access it.'
  return modelError(message, '', null)
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
