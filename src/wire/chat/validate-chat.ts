import type { ServiceError } from '../errors.ts'
import type { Model } from '../models/models.ts'
import { chatFields } from './validate-chat-fields.ts'
import { chatRules } from './validate-chat-rules.ts'
import { validateBody } from '../validation/validate-body.ts'

const reasoningFields = chatFields(true)
const olderFields = chatFields(false)

/** What the service refuses in the body of a chat completions request; undefined when nothing. Never throws. */
export function validateChat(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, model.reasoning ? reasoningFields : olderFields, chatRules, model)
}
