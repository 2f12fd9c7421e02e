import type { Logger } from '../../lib/logger.ts'

/** A logger whose lines all have further fields. */
export function withField(logger: Logger, more: object): Logger {
  return {
    debug: (fields, message) => logger.debug({ ...more, ...fields }, message),
    info: (fields, message) => logger.info({ ...more, ...fields }, message),
    warn: (fields, message) => logger.warn({ ...more, ...fields }, message),
    error: (fields, message) => logger.error({ ...more, ...fields }, message),
  }
}
