// Compares counted and billed prompt tokens: npx tsx scripts/score-tokens.ts <file.jsonl>
// Each line: { op, model, billed_prompt_tokens, request }
import { readFileSync } from 'node:fs'
import { findModel, modelFromDeploymentName } from '../src/wire/models/model-catalogue.ts'
import type { Model } from '../src/wire/models/models.ts'
import { countChatPrompt, countInput, splitInputs } from '../src/wire/chat/prompt-tokens.ts'
import type { ChatRequest } from '../src/wire/chat/chat-request.ts'
import { countResponsesInput, type CountedResponsesRequest } from '../src/wire/responses/responses-request.ts'
import { loadEncoding } from '../src/tokens/encoding.ts'

interface Row {
  readonly op: string
  readonly model: string
  readonly billed_prompt_tokens: number
  readonly request: Record<string, unknown>
}

const [path] = process.argv.slice(2)
if (path === undefined) {
  console.log('Usage: npx tsx scripts/score-tokens.ts <file.jsonl>')
} else {
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Row)
  const scored = rows.map((row) => ({ row, difference: countRow(row) - row.billed_prompt_tokens }))
  for (const { row, difference } of scored) console.log(describe(row, difference))
  console.log(`plain text: ${share(scored.filter(({ row }) => isPlainText(row)))}`)
  console.log(`all:        ${share(scored)}`)
}

function countRow({ op, model: name, request }: Row): number {
  const model = modelOf(name, request)
  const encoding = loadEncoding(model.encoding)
  switch (op) {
    case 'chat/completions':
      return countChatPrompt(request as unknown as ChatRequest, model, encoding)
    case 'responses':
      return countResponsesInput(request as unknown as CountedResponsesRequest, model, encoding)
    default: {
      const inputs = splitInputs((request['input'] ?? request['prompt'] ?? '') as string)
      return inputs.reduce<number>((tokens, input) => tokens + countInput(input, encoding), 0)
    }
  }
}

function modelOf(name: string, { model }: Row['request']): Model {
  const requested = typeof model === 'string' ? model : ''
  const found =
    findModel(name) ??
    findModel(requested) ??
    modelFromDeploymentName(name) ??
    modelFromDeploymentName(requested)
  if (!found) throw new Error(`Could not find a model (got ${name} and ${requested}).`)
  return found
}

/** Whether the request has only text: no tools, schema, image or earlier call. */
function isPlainText({ request }: Row): boolean {
  return !/"(tools|functions|tool_calls|json_schema|image_url|input_image|input_audio|file|function_call)"/.test(
    JSON.stringify(request),
  )
}

function describe({ op, model, billed_prompt_tokens: billed, request }: Row, difference: number): string {
  const sign = difference > 0 ? '+' : ''
  const excerpt = JSON.stringify(request).slice(0, 100)
  return `${difference === 0 ? 'exact' : `${sign}${difference}`}\t${billed}\t${op}\t${model}\t${excerpt}`
}

function share(scored: readonly { readonly difference: number }[]): string {
  const exact = scored.filter(({ difference }) => difference === 0).length
  const percent = scored.length === 0 ? 100 : (100 * exact) / scored.length
  return `${exact} of ${scored.length} exact (${percent.toFixed(1)} %)`
}
