import { deploymentPath, eventsOf, type TestSimulator } from './test-simulator.ts'

/** A call as a message holds it, or a delta of one. */
export interface WireCall {
  id?: string
  index?: number
  type?: string
  function?: { name?: string; arguments: string }
  custom?: { name?: string; input: string }
}

/** What a message or a delta may hold. */
export interface WireMessage {
  content?: string | null
  role?: string
  tool_calls?: WireCall[]
  function_call?: { name?: string; arguments: string }
}

/** A choice of a whole answer or of a chunk. */
export interface WireChoice {
  index: number
  finish_reason: string | null
  content_filter_results: Record<string, unknown>
  logprobs: { content: { token: string; top_logprobs: unknown[] }[] } | null
  message: WireMessage
  delta: WireMessage
}

/** A whole chat answer, or one of its chunks. */
export interface WireChat {
  choices: WireChoice[]
  service_tier?: string
  usage: {
    prompt_tokens: number
    completion_tokens: number
    total_tokens: number
    completion_tokens_details: { reasoning_tokens: number }
    prompt_tokens_details: { cached_tokens: number }
  }
}

/** Asks a deployment, and reads the answer. */
export async function chat(
  { post }: TestSimulator,
  body: object,
  deployment = 'gpt-4o-mini',
): Promise<WireChat> {
  const response = await post(deploymentPath(deployment, 'chat/completions'), body)
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return (await response.json()) as WireChat
}

/** Asks for a stream, and reads its chunks; the first one, of the prompt's filter, and `[DONE]` are left out. */
export async function chatStream(
  { post }: TestSimulator,
  body: object,
  deployment = 'gpt-4o-mini',
): Promise<WireChat[]> {
  const response = await post(deploymentPath(deployment, 'chat/completions'), { ...body, stream: true })
  const events = eventsOf(await response.text())
  if (events.at(-1) !== '[DONE]') throw new Error(`The stream ended with ${events.at(-1)}.`)
  return events.slice(1, -1).map((event) => JSON.parse(event) as WireChat)
}
