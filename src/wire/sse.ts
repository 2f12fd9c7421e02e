/** Frames JSON as one server-sent event, as chat and completions do: data only, line feeds only. */
export function dataEvent(json: string): string {
  return `data: ${json}\n\n`
}

/** Ends the stream of chat and completions. */
export const doneEvent = dataEvent('[DONE]')

/** The content type of a stream since 2025; before, it had no charset. */
export const eventStreamType = 'text/event-stream; charset=utf-8'

/** Whether an event is the end of a stream of chat completions, of the Responses API, and of Anthropic's messages. */
export function isTerminalEvent(text: string): boolean {
  return (
    /^data: ?\[DONE\]/m.test(text) ||
    /^event: ?(?:response\.(?:completed|incomplete|failed)|message_stop)\s*$/m.test(text)
  )
}
