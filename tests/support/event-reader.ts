/** A server-sent event. */
export interface SentEvent {
  readonly event: string
  readonly id: number | undefined
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read entries of every shape
  readonly data: any
}

/** Reads the events of a body one by one. */
export const eventsOf = (body: ReadableStream<Uint8Array> | null) => {
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  const blocks: string[] = []
  let text = ''
  const block = async (): Promise<string | undefined> => {
    while (blocks.length === 0) {
      const { value, done } = await reader.read()
      if (done) return undefined
      const parts = (text + Buffer.from(value).toString()).split('\n\n')
      text = parts.pop() ?? ''
      blocks.push(...parts)
    }
    return blocks.shift()
  }
  return {
    /** The next event, or undefined at the end. Skips comments. */
    async next(): Promise<SentEvent | undefined> {
      const found = await block()
      if (found === undefined) return undefined
      if (found.startsWith(':')) return this.next()
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(found)?.[1]
      const id = field('id')
      return {
        event: field('event') ?? '',
        id: id === undefined ? undefined : Number(id),
        data: JSON.parse(field('data') ?? 'null') as unknown,
      }
    },
    /** Reads the first comment of a stream, which is sent after the subscription. */
    begin: () => block(),
    cancel: () => reader.cancel(),
  }
}
