import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'

/** Resolves when a signal is aborted, at once where it is already. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Waits for a start. One that is stopped meanwhile may end by itself in the grace period, so that what it has opened can be
 * closed; nobody is served by then, so what goes wrong in it does not matter any more.
 *
 * @param graceMs in milliseconds
 * @returns undefined for a start that was stopped and has come to nothing
 */
export async function unlessStopped<T>(
  starting: Promise<T>,
  stop: AbortSignal,
  graceMs: number,
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const graceIsOver = new AbortController()
  const startGrace = (): void => {
    timer = setTimeout(() => graceIsOver.abort(), graceMs)
  }
  if (stop.aborted) startGrace()
  else stop.addEventListener('abort', startGrace, { once: true })
  try {
    return await Promise.race([starting, whenAborted(graceIsOver.signal).then(() => undefined)])
  } catch (error) {
    if (!stop.aborted) throw error
    return undefined
  } finally {
    stop.removeEventListener('abort', startGrace)
    clearTimeout(timer)
  }
}

/**
 * Logs what fails outside of every request, such as a promise or a timer that an extension left behind, and goes on: Node
 * would end the process, and with it the answers of everybody else. For programs only: a library leaves its host alone.
 */
export function guardUnhandledRejections(logger: Logger): void {
  const report = (error: unknown): void =>
    logger.error(
      { err: stackOf(error) },
      'Something failed outside of every request, most likely in an extension: await what it starts, and catch what its timers throw.',
    )
  process.on('unhandledRejection', report)
  process.on('uncaughtException', report)
}
