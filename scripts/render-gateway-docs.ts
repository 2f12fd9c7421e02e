// The generated tables of docs/gateway.md: how parameters are converted between APIs, and the normalisations of requests.
import { format } from 'oxfmt'
import type { Parameter } from '../src/wire/convert-parameters.ts'
import { defaultNormalizations, normalizationNames, normalizations } from '../src/wire/normalize-request.ts'
import { chatToMessagesParameters } from '../src/wire/messages/chat-to-messages.ts'
import { messagesParameters } from '../src/wire/messages/messages-to-chat.ts'
import { chatParameters } from '../src/wire/responses/chat-to-responses.ts'
import { responsesParameters } from '../src/wire/responses/convert-to-chat.ts'

/** The tables by the names in their markers. */
const tables: Readonly<Record<string, () => string[]>> = {
  'chat to responses': () => parameterTable('Chat completions', 'Responses API', chatParameters),
  'responses to chat': () => parameterTable('Responses API', 'Chat completions', responsesParameters),
  'chat to messages': () =>
    parameterTable('Chat completions', 'Anthropic Messages', chatToMessagesParameters),
  'messages to chat': () => parameterTable('Anthropic Messages', 'Chat completions', messagesParameters),
  normalisations: normalizationTable,
}

/** Returns docs/gateway.md with the current tables between its markers. */
export async function renderGatewayDocs(document: string): Promise<string> {
  let written = document
  for (const [name, table] of Object.entries(tables)) {
    const mark = new RegExp(
      `(<!-- ${name}: made by scripts/generate-docs.ts -->\n)[^]*?(\n<!-- end of ${name} -->)`,
    )
    if (!mark.test(written)) {
      throw new Error(`Could not find the markers of '${name}' in docs/gateway.md. Restore them.`)
    }
    written = written.replace(
      mark,
      (_, start: string, end: string) => `${start}\n${table().join('\n')}\n${end}`,
    )
  }
  return (await format('docs/gateway.md', written, { printWidth: 110, singleQuote: true })).code
}

/** A table of the parameters with another form, and lists of those that are the same and of those without an equivalent. */
function parameterTable(source: string, target: string, parameters: readonly Parameter[]): string[] {
  const namesOf = (kind: Parameter['kind']): string =>
    parameters.flatMap((one) => (one.kind === kind ? [shownName(one)] : [])).join(', ')
  return [
    `| ${source} | ${target} |`,
    '| - | - |',
    ...parameters.flatMap((one) =>
      one.kind === 'converted' ? [`| \`${one.name}\` | ${one.becomes} |`] : [],
    ),
    '',
    `- Same in both: ${namesOf('same')}.`,
    `- No equivalent: ${namesOf('none')}.`,
  ]
}

function shownName(parameter: Parameter): string {
  const isException = parameter.kind === 'none' && parameter.defaultText !== undefined
  return `\`${parameter.name}\`${isException ? ` (except \`${parameter.defaultText}\`)` : ''}`
}

function normalizationTable(): string[] {
  return [
    '| Name | Default | Description |',
    '| - | - | - |',
    ...normalizationNames.map((name) => {
      const isOn = defaultNormalizations.has(name)
      return `| \`${name}\` | ${isOn ? 'on' : 'off'} | ${normalizations[name].description} |`
    }),
  ]
}
