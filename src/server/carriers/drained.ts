import type { ServerResponse } from 'node:http'

/** Resolves when the client has taken what was written, or has left. */
export function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
    // A connection that is gone drains no more, and may have told so before.
    if (outgoing.destroyed) done()
  })
}
