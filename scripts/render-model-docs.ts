// The generated section of docs/models.md: what each model accepts.
import { format } from 'oxfmt'
import { builtInCatalogue, modelId } from '../src/wire/models/model-catalogue.ts'
import type { ModelCapabilities } from '../src/wire/models/model-capabilities.ts'
import type { Model } from '../src/wire/models/models.ts'

const mark =
  /(<!-- capabilities: made by scripts\/generate-docs.ts -->\n)[^]*?(\n<!-- end of capabilities -->)/

/** Returns docs/models.md with the tables of the current capabilities between its markers. */
export async function renderModelDocs(document: string): Promise<string> {
  if (!mark.test(document))
    throw new Error('Could not find the capability markers in docs/models.md. Restore them.')
  const tables = [efforts(), parameters(), media()].map((table) => table.join('\n')).join('\n\n')
  const written = document.replace(mark, (_, start: string, end: string) => `${start}\n${tables}\n${end}`)
  return (await format('docs/models.md', written, { printWidth: 110, singleQuote: true })).code
}

const textModels = builtInCatalogue.versions.filter(({ operations }) =>
  operations.some((operation) => operation === 'chatCompletions' || operation === 'responses'),
)

function efforts(): string[] {
  const reasoning = textModels.filter((model) => model.reasoning)
  return [
    '| Reasoning models | Efforts (default in bold) | More efforts in responses | Reasons by the prompt | Function tools in chat | Verbosities |',
    '| - | - | - | - | - | - |',
    ...rowsOf(reasoning, (it) => [
      it.efforts.map((effort) => (effort === it.defaultEffort ? `**${effort}**` : effort)).join(', ') ||
        'not a parameter',
      it.responsesEfforts.filter((effort) => !it.efforts.includes(effort)).join(', '),
      yes(it.adaptiveReasoning),
      toolsText[it.toolsWithReasoning],
      it.verbosities.join(', '),
    ]),
  ]
}

const toolsText: Readonly<Record<ModelCapabilities['toolsWithReasoning'], string>> = {
  accepted: 'accepted',
  'effort-refused': 'not with an effort',
  refused: 'only with `none`',
}

function parameters(): string[] {
  return [
    '| Models | Not supported in chat | Only the default while reasoning | Unknown members |',
    '| - | - | - | - |',
    ...rowsOf(textModels, (it) => [
      [...named(it, 'unsupported'), ...named(it, 'unknown'), ...refused(it)].join(', '),
      named(it, 'default').join(', '),
      it.unknownMembers === 'unrecognized' ? '`Unrecognized request argument`' : '`Unknown parameter`',
    ]),
  ]
}

function named({ parameters: all }: ModelCapabilities, support: string): string[] {
  return Object.entries(all).flatMap(([name, given]) => (given === support ? [`\`${name}\``] : []))
}

function refused(it: ModelCapabilities): string[] {
  return [
    ...(it.parallelToolCalls ? [] : ['`parallel_tool_calls`']),
    ...(it.streaming ? [] : ['`stream`']),
    ...(it.systemRole ? [] : ['role `system`']),
    ...(it.developerRole ? [] : ['role `developer`']),
    ...(it.jsonMode ? [] : ['`json_object`']),
    ...(it.structuredOutputs ? [] : ['`json_schema`']),
  ]
}

function media(): string[] {
  return [
    '| Models | Images | Files in responses | Files in chat | Audio | Cache retention | Encrypted reasoning | Service tiers |',
    '| - | - | - | - | - | - | - | - |',
    ...rowsOf(textModels, (it) => [
      yes(it.vision),
      yes(it.files),
      yes(it.chatFiles),
      yes(it.audioInput || it.audioOutput),
      it.cacheRetentions.map((retention) => `\`${retention}\``).join(', ') || 'not a parameter',
      yes(it.encryptedReasoning),
      it.serviceTiers.join(', '),
    ]),
  ]
}

function yes(value: boolean): string {
  return value ? 'yes' : ''
}

/** One row for the models with the same cells, in the order of the catalogue. */
function rowsOf(models: readonly Model[], cellsOf: (capabilities: ModelCapabilities) => string[]): string[] {
  const namesByCells = new Map<string, Model[]>()
  for (const model of models) {
    const cells = cellsOf(model.capabilities).join(' | ')
    namesByCells.set(cells, [...(namesByCells.get(cells) ?? []), model])
  }
  return [...namesByCells].map(([cells, same]) => `| ${namesOf(same, models)} | ${cells} |`)
}

/** The name of a model with all versions in the list, else its versions in the list. */
function namesOf(same: readonly Model[], all: readonly Model[]): string {
  const names = same.map((model) => {
    const versions = all.filter(({ name }) => name === model.name)
    return versions.every((version) => same.includes(version)) ? model.name : modelId(model)
  })
  return [...new Set(names)].map((name) => `\`${name}\``).join(', ')
}
