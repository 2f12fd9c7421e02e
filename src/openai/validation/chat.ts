import type { ServiceError } from '../errors.ts'
import type { Model } from '../models.ts'
import { chatFields } from './chat-fields.ts'
import { chatRules } from './chat-rules.ts'
import { validateBody } from './validate-body.ts'

const reasoningFields = chatFields(true)
const olderFields = chatFields(false)

/** What the service refuses in the body of a chat completions request; undefined when nothing. Never throws. */
export function validateChat(body: unknown, model: Model): ServiceError | undefined {
  return validateBody(body, model.reasoning ? reasoningFields : olderFields, chatRules, model)
}
