import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'

/** Resolves when a signal is aborted, or immediately if it is aborted already. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Waits for a start. If it is stopped meanwhile, waits up to the grace period for it to finish, so that the caller can close what it has
 * opened, and ignores its errors.
 *
 * @param graceMs in milliseconds
 * @returns undefined if the start was stopped and did not finish
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
 * Logs errors outside of requests, such as an unhandled promise or a timer of an extension, and continues. Node would exit and cut all
 * running answers. For programs only: a library must not change the process of its host.
 */
export function guardUnhandledRejections(logger: Logger): void {
  const report = (error: unknown): void =>
    logger.error(
      { err: stackOf(error) },
      'Unhandled error outside of a request, probably in an extension. Await its promises, and catch errors in its timers.',
    )
  process.on('unhandledRejection', report)
  process.on('uncaughtException', report)
}
