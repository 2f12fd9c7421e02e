import { roundTo } from '../lib/number-format.ts'
import { codePointLength } from '../wire/sse.ts'
import type { Random } from '../lib/random.ts'
import { pieceTable } from '../tokens/piece-table.ts'
import type { TokenSpans } from '../wire/completions/write-completion.ts'

/** The least probability of a token that is written: high enough to stay ahead of every alternative. */
const MIN_PROBABILITY = 0.4

/** Of what is left of the probability, each alternative takes so much. */
const ALTERNATIVE_SHARE = 0.6

/**
 * The made-up log probabilities of tokens in the form of legacy completions, as JSON. The token that was written is
 * always the most likely one. The first token of all has no probability, as nothing comes before it.
 *
 * @param alternatives how many tokens are listed at each place, 0 to 5; with 0 there is no list
 */
export function legacyLogprobsJson(
  { tokens, offset }: TokenSpans,
  alternatives: number,
  random: Random,
): string {
  const texts: string[] = []
  const offsets: number[] = []
  const logprobs: string[] = []
  const lists: string[] = []
  let at = offset
  for (const token of tokens) {
    const text = JSON.stringify(token)
    if (at === 0 && texts.length === 0) {
      logprobs.push('null')
      lists.push('null')
    } else {
      const probability = MIN_PROBABILITY + (1 - MIN_PROBABILITY) * random.unit()
      const logprob = logJson(probability)
      logprobs.push(logprob)
      if (alternatives > 0) {
        lists.push(`{${text}:${logprob}${alternativesJson(text, 1 - probability, alternatives - 1, random)}}`)
      }
    }
    texts.push(text)
    offsets.push(at)
    at += codePointLength(token)
  }
  const top = alternatives === 0 ? 'null' : `[${lists.join(',')}]`
  return `{"tokens":[${texts.join(',')}],"token_logprobs":[${logprobs.join(',')}],"top_logprobs":${top},"text_offset":[${offsets.join(',')}]}`
}

const wordTexts = pieceTable.words.map((word) => JSON.stringify(word))

/** Members for `count` other tokens, the more likely ones first, each with a comma in front. */
function alternativesJson(text: string, rest: number, count: number, random: Random): string {
  let json = ''
  let left = rest
  let word = random.below(wordTexts.length)
  for (let listed = 0; listed < count; word = (word + 1) % wordTexts.length) {
    const other = wordTexts[word]
    if (other === text) continue
    json += `,${other}:${logJson(left * ALTERNATIVE_SHARE)}`
    left *= 1 - ALTERNATIVE_SHARE
    listed++
  }
  return json
}

/** The natural logarithm with six decimals. */
function logJson(probability: number): string {
  return String(roundTo(Math.log(probability), 6))
}
