import type { ResourceConfig } from '../config/config.ts'
import type { Model } from '../wire/models/models.ts'
import type { ForcedAnswer } from '../pipeline/forced-answer.ts'
import type { Random } from '../lib/random.ts'
import { nextSlice } from '../lib/slices.ts'
import { loadEncoding } from '../tokens/encoding.ts'
import { drawJsonAnswer } from './complete-json.ts'
import { billedTokens, type Choice, type Completion } from '../answer/completion.ts'
import {
  drawCompletionLength,
  forcedLimit,
  forceLength,
  drawThought,
  type Thought,
} from './completion-length.ts'
import type { CompletionTask } from './completion-task.ts'
import { drawLorem } from './lorem.ts'
import { drawToolCalls, shouldCallTools } from './tool-calls.ts'

/** Carries out a task: the model of generate mode. */
export function complete(
  task: CompletionTask,
  model: Model,
  random: Random,
  config: ResourceConfig,
): Completion {
  const choices: Choice[] = []
  while (choices.length < task.count) choices.push(completeChoice(task, model, random, config))
  return withUsage(choices, task)
}

/**
 * As `complete`, with the same outcome, but others have their turn between the choices: a schema may be made to take
 * tens of milliseconds, and a request may ask for 128 values of it, or for millions of tokens.
 */
export async function completeInTurns(
  task: CompletionTask,
  model: Model,
  random: Random,
  config: ResourceConfig,
): Promise<Completion> {
  const choices: Choice[] = []
  while (choices.length < task.count) {
    choices.push(completeChoice(task, model, random, config))
    await nextSlice()
  }
  return withUsage(choices, task)
}

/** Drawn in some ten milliseconds. */
const quickTokens = 100_000

/** Whether a task may take so long that it should be carried out by `completeInTurns`. */
export function mayTakeLong(task: CompletionTask, model: Model): boolean {
  const { count, tools, format, requestedTokens = model.maxOutputTokens } = task
  return count > 1 && (tools.length > 0 || format.kind !== 'text' || count * requestedTokens > quickTokens)
}

function withUsage(choices: readonly Choice[], { promptTokens, cachedTokens }: CompletionTask): Completion {
  let completionTokens = 0
  let reasoningTokens = 0
  for (const choice of choices) {
    completionTokens += billedTokens(choice)
    reasoningTokens += choice.reasoningTokens
  }
  return { choices, usage: { promptTokens, cachedTokens, completionTokens, reasoningTokens } }
}

function completeChoice(task: CompletionTask, model: Model, random: Random, config: ResourceConfig): Choice {
  const most = Math.max(1, Math.min(model.maxOutputTokens, model.contextTokens - task.promptTokens))
  const limit = Math.min(task.requestedTokens ?? most, most)
  const thought = drawThought(model, task.reasoningEffort, limit, random)
  if (thought.cut) return answer(thought, { finishReason: 'length' })

  const room = limit - thought.reasoningTokens - thought.overheadTokens
  const { forced } = task
  if (forced?.refusal !== undefined) {
    return { ...answer(thought, seen(endText(cutText(forced.refusal, {}, model, room), []))), refused: true }
  }
  if (forced?.text !== undefined) {
    return answer(thought, seen(endText(cutText(forced.text, forced, model, room), task.stop)))
  }
  if (shouldCallTools(task, random, config)) {
    return answer(thought, drawToolCalls(task, random, loadEncoding(model.encoding), room))
  }
  const text =
    task.format.kind === 'text'
      ? drawText(task, room, random, config)
      : cutText(drawJsonAnswer(task.format, random), forced, model, room)
  return answer(thought, endText(text, task.stop))
}

/** What follows a thought. */
type AfterThought = Pick<Choice, 'finishReason'> & Partial<Choice>

function answer(
  thought: Thought,
  { pieces, plainText, toolCalls, finishReason, overheadTokens }: AfterThought,
): Choice {
  return {
    pieces: pieces ?? nothing,
    plainText,
    toolCalls: toolCalls ?? nothing,
    finishReason,
    reasoningTokens: thought.reasoningTokens,
    overheadTokens: thought.overheadTokens + (overheadTokens ?? 0),
  }
}

const nothing: readonly never[] = []

/** A text as the model wrote it, before a stop text ends it. */
interface WrittenText {
  readonly pieces: readonly string[]
  /** The whole text, where it is plain ASCII. */
  readonly plainText?: string
  /** The limit ended it, so that the token that ends a text is missing. */
  readonly cut: boolean
}

/** Lorem has as many tokens as it has pieces, so no tokenizer is asked. */
function drawText(task: CompletionTask, room: number, random: Random, config: ResourceConfig): WrittenText {
  const requested = task.requestedTokens === undefined ? undefined : room
  const drawn = drawCompletionLength(random, requested, room, config.completionLength)
  const { tokens, cut } = task.forced ? forceLength(drawn, task.forced, room) : drawn
  const { pieces, text } = drawLorem(random, tokens)
  return { pieces, plainText: text, cut }
}

/** JSON, and a text that is given, is as long as it is: a limit cuts it, and nothing makes it longer. */
function cutText(text: string, forced: ForcedAnswer | undefined, model: Model, room: number): WrittenText {
  const pieces = loadEncoding(model.encoding).pieces(text)
  const most = Math.min(room, forced ? forcedLimit(forced, pieces.length) : room)
  const cut = pieces.length >= most
  return { pieces: cut ? pieces.slice(0, most) : pieces, cut }
}

function endText({ pieces, plainText, cut }: WrittenText, stops: readonly string[]): AfterThought {
  const stopped = stops.length > 0 ? endAtStop(pieces, stops) : undefined
  if (stopped) {
    const left = plainText === undefined ? undefined : stopped.pieces.join('')
    return {
      pieces: stopped.pieces,
      plainText: left,
      finishReason: 'stop',
      overheadTokens: stopped.unseenTokens,
    }
  }
  // Since 2026 the token that ends a text counts too.
  return { pieces, plainText, finishReason: cut ? 'length' : 'stop', overheadTokens: cut ? 0 : 1 }
}

/** Tokens that end within a character show nothing: they are billed, and a client gets the character as a whole. */
function seen(text: AfterThought): AfterThought {
  const { pieces = nothing, overheadTokens = 0 } = text
  const shown = pieces.filter((piece) => piece !== '')
  return { ...text, pieces: shown, overheadTokens: overheadTokens + pieces.length - shown.length }
}

/** A text that ends where a stop text began. */
export interface StoppedText {
  /** What is left to see; its last piece may be part of a token. */
  readonly pieces: readonly string[]
  /** Tokens that were generated and are not seen: those of the stop text. */
  readonly unseenTokens: number
}

/**
 * Ends a text before the stop text that is complete first, even where it lies across pieces. Undefined when none
 * occurs. Of two that end together, the longer one is taken. Empty stop texts end nothing.
 */
export function endAtStop(pieces: readonly string[], stops: readonly string[]): StoppedText | undefined {
  const text = pieces.join('')
  let start = text.length
  let end = Infinity
  for (const stop of stops) {
    const at = stop === '' ? -1 : text.indexOf(stop)
    if (at === -1) continue
    const stopEnd = at + stop.length
    if (stopEnd > end || (stopEnd === end && at >= start)) continue
    start = at
    end = stopEnd
  }
  if (end === Infinity) return undefined

  const seen: string[] = []
  let generated = 0
  for (let offset = 0; offset < end; generated++) {
    const piece = pieces[generated] ?? ''
    if (offset < start) seen.push(piece.slice(0, start - offset))
    offset += piece.length
  }
  return { pieces: seen, unseenTokens: generated - seen.length }
}
