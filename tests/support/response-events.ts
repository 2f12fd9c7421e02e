/** One event of a streamed response: its name, and its data. */
export interface NamedEvent {
  readonly name: string
  readonly data: { type: string; sequence_number: number } & Record<string, unknown>
}

/** The events of a streamed response; fails on a frame of any other form. */
export function namedEventsOf(text: string): NamedEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const [, name, json] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? []
      if (name === undefined || json === undefined) throw new Error(`not a named event: ${frame}`)
      return { name, data: JSON.parse(json) as NamedEvent['data'] }
    })
}
