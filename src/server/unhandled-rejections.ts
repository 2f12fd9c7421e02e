import { stackOf } from '../lib/error-text.ts'
import type { Logger } from '../lib/logger.ts'

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
