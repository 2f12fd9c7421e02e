import { connectionReason } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'

/** Long enough for a name, a connection and a certificate across the world. */
const timeoutMs = 10_000

/**
 * Finds out whether something answers at an address by HTTP, with a certificate that can be trusted where it is HTTPS. What it
 * answers does not matter, and no key is sent.
 *
 * @throws {OperatorError} LOAD_FAILED when nothing does
 */
export async function reachTarget(url: URL): Promise<void> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
  } catch (error) {
    const reason = connectionReason(error)
    const cure = reason.includes('wrong version number')
      ? `Most likely it does not use TLS: set --url to http://${url.host}.`
      : 'Start what should answer there, or set --url to where it runs.'
    throw new OperatorError('LOAD_FAILED', `Could not reach ${url.origin}: ${reason}. ${cure}`, {
      cause: error,
    })
  }
}
