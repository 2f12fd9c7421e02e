import { doneEvent } from '../wire/sse.ts'
import type { EventsBody } from '../answer/body.ts'
import type { Usage, Choice } from '../answer/completion.ts'
import type { ChunkWriter } from './chat-chunk.ts'
import { finishEvent, promptFilterEvent, startEvent } from './chat-events.ts'
import { chatUsageJson, isAsciiAround, type ChatFacts } from './chat-json.ts'

/**
 * The stream of an answer that is one choice of lorem, as nearly all are. What an event says follows from its number, so
 * that thousands of open streams need no plans of their own.
 *
 * @param usage absent where the stream ends without it
 */
export function streamLorem(
  choice: Choice,
  facts: ChatFacts,
  chunk: ChunkWriter,
  usage: Usage | undefined,
): EventsBody {
  const { pieces } = choice
  const token = chunk.tokens(choice.refused ? 'refusal' : 'content')
  const firstToken = 2
  const finish = firstToken + pieces.length
  const lastStep = Math.max(0, pieces.length - 1)
  const count = finish + (usage ? 3 : 2)

  const render = (index: number): string => {
    if (index === 0) return promptFilterEvent
    if (index < firstToken) return startEvent(chunk, choice, facts, 0)
    // Lorem needs no escape.
    if (index < finish) return token(`"${pieces[index - firstToken]}"`)
    if (index === finish) return finishEvent(chunk, choice, facts, 0)
    if (usage && index === finish + 1) return chunk.usage(chatUsageJson(usage))
    return doneEvent
  }

  return {
    kind: 'events',
    count,
    stepOf: (index) => Math.min(Math.max(0, index - firstToken), lastStep),
    render,
    ...(isAsciiAround(facts) && { asciiRender: render }),
  }
}
