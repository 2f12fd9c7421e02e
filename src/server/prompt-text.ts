import type { Exchange } from '../pipeline/exchange.ts'

/**
 * What the user asks for, in the words of the request: the last message of the user in a chat or in the input of a
 * response, or the prompt of a completion or a picture; several parts or prompts are lines. Undefined where there is no such text:
 * in a form, in a prompt of token numbers, in what is no JSON.
 */
export function promptText({ json }: Exchange): string | undefined {
  const { messages, input, prompt } = fieldsOf(json)
  return lastUserText(messages) ?? lastUserText(input) ?? textOf(input) ?? textOf(prompt)
}

function lastUserText(messages: unknown): string | undefined {
  if (!Array.isArray(messages)) return undefined
  const last: unknown = messages.findLast((message) => fieldsOf(message)['role'] === 'user')
  return textOf(fieldsOf(last)['content'])
}

/** A text, or the texts in a list of texts and of parts that have one. */
function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content
    .map((part: unknown) => (typeof part === 'string' ? part : fieldsOf(part)['text']))
    .filter((text) => typeof text === 'string')
  return texts.length === 0 ? undefined : texts.join('\n')
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
