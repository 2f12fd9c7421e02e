import type { EventsBody } from '../../answer/body.ts'
import type { Choice, ChoiceAudio, Completion } from '../../answer/completion.ts'
import type { Random } from '../../lib/random.ts'
import { createAudioId } from '../../wire/chat/audio-ids.ts'
import type { ChatAudio } from '../../wire/chat/chat-request.ts'
import {
  audioDelta,
  createChunkWriter,
  finishEvent,
  promptFilterEvent,
  startEvent,
  type ChatFacts,
  type ChunkWriter,
  type StreamOptions,
} from '../../wire/chat/chat-chunks.ts'
import { INPUT_AUDIO_TOKENS_PER_SECOND } from '../../wire/chat/file-tokens.ts'
import { safeCompletionFilter } from '../../wire/content-filters.ts'
import { doneEvent } from '../../wire/sse.ts'
import { soundRenderer } from './generate-speech.ts'
import { planSpeech, secondsOf, type SpeechPlan } from './speech-plan.ts'

/** Tokens per second of a spoken answer (a bill of 2026: 37 for about two seconds). */
const TOKENS_PER_SECOND = 20

/** How long the id of an audio answer is valid (a capture of 2026). */
const VALID_SECONDS = 3_601

/** Audio bytes in an event of a stream: 0.4 seconds (a capture of 2026). A multiple of 3, so base64 needs no padding. */
const BYTES_PER_PART = 19_200

/** Returns the plans of the choices. Undefined for a choice without text: a tool call, or one that the filter blocks. */
export function planSpoken({ choices }: Completion): readonly (SpeechPlan | undefined)[] {
  return choices.map(({ pieces, refused }) =>
    pieces.length > 0 && refused !== true ? planSpeech(pieces.join(''), 1) : undefined,
  )
}

/** Seconds of all plans. */
export function spokenSeconds(plans: readonly (SpeechPlan | undefined)[]): number {
  return plans.reduce((sum, plan) => sum + (plan ? secondsOf(plan) : 0), 0)
}

/** Options of `speak`. */
export interface SpokenOptions {
  readonly audio: ChatAudio
  /** Tokens of each choice that the request allows; undefined without a limit. */
  readonly maxTokens: number | undefined
  readonly createdSeconds: number
  readonly random: Random
}

/** Adds to each choice its sound. The text becomes the transcript. A limit of tokens can cut the bill, not the sound. */
export async function speak(
  completion: Completion,
  plans: readonly (SpeechPlan | undefined)[],
  { audio, maxTokens = Infinity, createdSeconds, random }: SpokenOptions,
): Promise<Completion> {
  let audioTokens = 0
  const choices: Choice[] = []
  for (const [index, choice] of completion.choices.entries()) {
    const plan = plans[index]
    if (!plan) {
      choices.push(choice)
      continue
    }
    const seconds = secondsOf(plan)
    const room = Math.max(0, maxTokens - choice.pieces.length)
    audioTokens += Math.min(room, Math.ceil(seconds * TOKENS_PER_SECOND))
    const inputTokens = Math.ceil(seconds * INPUT_AUDIO_TOKENS_PER_SECOND)
    const id = createAudioId(createdSeconds, inputTokens, random)
    const render = await soundRenderer(plan, audio.voice, audio.format)
    choices.push({
      ...choice,
      audio: { id, expiresAt: createdSeconds + VALID_SECONDS, ...inParts(render.bytes, render.render) },
    })
  }
  const { usage } = completion
  return {
    choices,
    usage: {
      ...usage,
      completionTokens: usage.completionTokens + audioTokens,
      completionAudioTokens: audioTokens,
    },
  }
}

function inParts(bytes: number, render: () => Buffer): Pick<ChoiceAudio, 'parts' | 'data'> {
  let sound: Buffer | undefined
  return {
    parts: Math.max(1, Math.ceil(bytes / BYTES_PER_PART)),
    data(part) {
      sound ??= render()
      return sound.toString('base64', part * BYTES_PER_PART, (part + 1) * BYTES_PER_PART)
    },
  }
}

/** An event of a stream of audio answers. */
interface SpokenEvent {
  readonly kind: 'start' | 'token' | 'data' | 'expiry' | 'finish'
  readonly choice: number
  /** Index of the token or of the part of the data. */
  readonly index: number
  readonly step: number
}

/**
 * The events of streamed audio answers: the transcript token by token, and between the tokens the sound (a capture of 2024 of OpenAI's
 * API; the filter results are those of text). The last delta has the time when the id expires.
 */
export function streamSpoken(
  completion: Completion,
  facts: ChatFacts,
  options: StreamOptions,
  random: Random,
): EventsBody {
  const chunk = createChunkWriter(facts, options, random)
  const events = completion.choices
    .flatMap(eventsOf)
    .sort((a, b) => a.step - b.step || Number(a.kind !== 'start') - Number(b.kind !== 'start'))
  const lastStep = events.at(-1)?.step ?? 0
  const usageEvents = options.includeUsage ? 1 : 0
  return {
    kind: 'events',
    count: 1 + events.length + usageEvents + 1,
    stepOf: (index) => (index === 0 ? 0 : (events[index - 1]?.step ?? lastStep)),
    render(index) {
      if (index === 0) return promptFilterEvent
      const event = events[index - 1]
      const choice = event && completion.choices[event.choice]
      if (event && choice) return renderEvent(event, choice, facts, chunk)
      if (index <= events.length + usageEvents) {
        return chunk.usage(completion.usage, completion.choices.length)
      }
      return doneEvent
    },
  }
}

function eventsOf({ pieces, audio }: Choice, choice: number): SpokenEvent[] {
  const events: SpokenEvent[] = [{ kind: 'start', choice, index: 0, step: 0 }]
  const parts = audio?.parts ?? 0
  let sent = 0
  for (let token = 0; token < pieces.length; token++) {
    events.push({ kind: 'token', choice, index: token, step: token })
    for (; sent < Math.floor((parts * (token + 1)) / pieces.length); sent++) {
      events.push({ kind: 'data', choice, index: sent, step: token })
    }
  }
  const step = Math.max(0, pieces.length - 1)
  if (audio) events.push({ kind: 'expiry', choice, index: 0, step })
  events.push({ kind: 'finish', choice, index: 0, step })
  return events
}

function renderEvent(
  { kind, choice: index, index: position }: SpokenEvent,
  choice: Choice,
  facts: ChatFacts,
  chunk: ChunkWriter,
): string {
  const { audio, pieces } = choice
  if (kind === 'start') return startEvent(chunk, choice, facts, index)
  if (kind === 'finish') return finishEvent(chunk, choice, facts, index)
  if (kind === 'token') {
    const transcript = pieces[position] ?? ''
    const delta = audioDelta(position === 0 ? { id: audio?.id, transcript } : { transcript })
    return chunk.choice(index, safeCompletionFilter, delta)
  }
  const delta = kind === 'data' ? { data: audio?.data(position) } : { expiresAt: audio?.expiresAt }
  return chunk.choice(index, '{}', audioDelta(delta))
}
