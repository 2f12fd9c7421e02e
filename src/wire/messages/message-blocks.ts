import type { AnswerEvent, TextEvent } from '../../answer/answer-events.ts'
import { isRecord } from '../../lib/record.ts'
import type { Members } from '../read-json.ts'

/** How a block starts. Its texts follow in deltas; a `whole` block is complete. */
export type BlockStart =
  | { readonly type: 'text' | 'thinking' }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string }
  | { readonly type: 'whole'; readonly block: Members }

/** A step of the content of a message. The steps of a block have its index, and the blocks of calls can alternate. */
export type BlockStep =
  | { readonly step: 'start'; readonly index: number; readonly start: BlockStart }
  /** `input`: a part of the JSON text of the input of a call. */
  | {
      readonly step: 'text' | 'thinking' | 'signature' | 'input'
      readonly index: number
      readonly text: string
    }
  | { readonly step: 'citation'; readonly index: number; readonly citation: unknown }
  | { readonly step: 'stop'; readonly index: number }

/** A text or thinking block that is not complete. */
interface OpenText {
  readonly type: 'text' | 'thinking'
  readonly index: number
  readonly part: number
}

/** A call without its end. */
interface OpenCall {
  readonly index: number
  readonly isCustom: boolean
  input: string
}

/** Divides the events of the first choice into blocks. Other events than those of its content have no steps. */
export class MessageBlocks {
  readonly #idOfCall: (call: number) => string
  #count = 0
  #text: OpenText | undefined
  readonly #calls = new Map<number, OpenCall>()
  #refused = false
  #called = false
  #cites = false
  /** All texts so far. Positions of annotations refer to them. */
  #said = ''

  /** @param idOfCall creates the id of a call without one */
  constructor(idOfCall: (call: number) => string) {
    this.#idOfCall = idOfCall
  }

  /** Whether a text is a refusal. */
  get refused(): boolean {
    return this.#refused
  }

  /** Whether there are calls. */
  get called(): boolean {
    return this.#called
  }

  steps(event: AnswerEvent): readonly BlockStep[] {
    if (!('choice' in event) || event.choice !== 0) return []
    switch (event.kind) {
      case 'refusal':
        this.#refused ||= event.text !== ''
        return this.#write('text', event)
      case 'text':
        return this.#write('text', event)
      case 'thought':
        return this.#think(event)
      case 'citations':
        this.#cites = true
        return this.#cite(event.citations)
      case 'annotations':
        // The reader of Anthropic Messages has both.
        return this.#cites ? [] : this.#cite(event.annotations.flatMap((one) => this.#citationOf(one)))
      case 'call':
        return this.#call(event)
      case 'arguments':
        return this.#input(event.call, event.text)
      case 'block':
        return [...this.end(), ...this.#whole(event.block)]
      case 'finish':
        return this.end()
      default:
        return []
    }
  }

  /** Ends all open blocks. */
  end(): BlockStep[] {
    const steps = this.#endText()
    for (const call of this.#calls.keys()) steps.push(...this.#endCall(call))
    return steps
  }

  #whole(block: Members): BlockStep[] {
    const index = this.#count++
    return [
      { step: 'start', index, start: { type: 'whole', block } },
      { step: 'stop', index },
    ]
  }

  #write(type: OpenText['type'], { text, part = 0 }: TextEvent): BlockStep[] {
    if (text === '') return []
    if (type === 'text') this.#said += text
    const steps = this.#openText(type, part)
    steps.push({ step: type, index: this.#count - 1, text })
    return steps
  }

  /** An open text is always the last block. */
  #openText(type: OpenText['type'], part: number): BlockStep[] {
    if (this.#text?.type === type && this.#text.part === part) return []
    const steps = [...this.#endText(), ...this.#endCompleteCalls()]
    const index = this.#count++
    this.#text = { type, index, part }
    steps.push({ step: 'start', index, start: { type } })
    return steps
  }

  #think(event: TextEvent): BlockStep[] {
    const { part = 0, signature, encrypted } = event
    const steps = this.#write('thinking', event)
    if (signature !== undefined) {
      steps.push(...this.#openText('thinking', part))
      steps.push({ step: 'signature', index: this.#count - 1, text: signature }, ...this.#endText())
    }
    if (encrypted !== undefined) {
      steps.push(...this.end(), ...this.#whole({ type: 'redacted_thinking', data: encrypted }))
    }
    return steps
  }

  #cite(citations: readonly unknown[]): BlockStep[] {
    const open = this.#text
    if (open?.type !== 'text') return []
    return citations.map((citation) => ({ step: 'citation', index: open.index, citation }))
  }

  /** The citation of a web page in chat completions or the Responses API. The index of the search is only known to Anthropic. */
  #citationOf(annotation: unknown): readonly Members[] {
    if (!isRecord(annotation) || annotation['type'] !== 'url_citation') return []
    const { url_citation: nested } = annotation
    const { url, title, start_index: start, end_index: end } = isRecord(nested) ? nested : annotation
    if (typeof url !== 'string') return []
    const cited = typeof start === 'number' && typeof end === 'number' ? this.#said.slice(start, end) : ''
    const name = typeof title === 'string' ? title : null
    return [{ type: 'web_search_result_location', cited_text: cited, encrypted_index: '', title: name, url }]
  }

  #call({ call, id, name, tool }: Extract<AnswerEvent, { kind: 'call' }>): BlockStep[] {
    const steps = [...this.#endText(), ...this.#endCompleteCalls()]
    const index = this.#count++
    const isCustom = tool === 'custom'
    this.#called = true
    this.#calls.set(call, { index, isCustom, input: '' })
    const start = { type: 'tool_use', id: id === '' ? this.#idOfCall(call) : id, name } as const
    steps.push({ step: 'start', index, start })
    if (isCustom) steps.push({ step: 'input', index, text: '{"input":"' })
    return steps
  }

  #input(number: number, text: string): BlockStep[] {
    const call = this.#calls.get(number)
    if (!call || text === '') return []
    call.input += text
    const json = call.isCustom ? JSON.stringify(text).slice(1, -1) : text
    return [{ step: 'input', index: call.index, text: json }]
  }

  /** Other calls stay open, since the events of several calls can alternate. */
  #endCompleteCalls(): BlockStep[] {
    return [...this.#calls].flatMap(([number, { isCustom, input }]) =>
      !isCustom && isJsonObject(input) ? this.#endCall(number) : [],
    )
  }

  #endText(): BlockStep[] {
    const open = this.#text
    this.#text = undefined
    return open ? [{ step: 'stop', index: open.index }] : []
  }

  #endCall(number: number): BlockStep[] {
    const call = this.#calls.get(number)
    if (!call) return []
    this.#calls.delete(number)
    const { index } = call
    const stop: BlockStep = { step: 'stop', index }
    return call.isCustom ? [{ step: 'input', index, text: '"}' }, stop] : [stop]
  }
}

function isJsonObject(text: string): boolean {
  try {
    return isRecord(JSON.parse(text))
  } catch {
    return false
  }
}
