// Simulates Azure Document Intelligence: generates results, or forwards to the real service in record mode.
// EXTENSION_PATH=examples/extensions/document-intelligence aoai-sim
import { defineExtension, type Hook, originOf, requestsLimiter } from 'aoai-simulated-api/extension'
import { forward } from './forward.ts'
import { giveResult, submit } from './generate.ts'
import { ownPath, submitPath } from './paths.ts'

/** Submissions a second; 0 or less disables the limit. 15 is the default of the service ("Service quotas and limits"). */
const requests = Number(process.env['DOC_INTELLIGENCE_RPS'] ?? 15)
if (!Number.isInteger(requests)) throw new Error('DOC_INTELLIGENCE_RPS must be a whole number')
const isLimited = requests > 0

const prepare: Hook = async (exchange, next) => {
  const { path } = exchange
  if (!ownPath.test(path)) return next()
  if (isLimited && submitPath.test(path)) exchange.limiter = 'document-intelligence'

  const reply = await next()
  // Generated, forwarded or replayed: the client polls the simulator for the result.
  const location = reply.headers.get('operation-location')
  if (location !== undefined) {
    const origin = originOf(exchange)
    const { pathname, search } = new URL(location, origin)
    reply.headers.set('operation-location', origin + pathname + search)
  }
  return reply
}

export default defineExtension({
  name: 'document-intelligence',
  hooks: [prepare],
  generators: [submit, giveResult],
  forwarders: [forward],
  limiters: isLimited ? { 'document-intelligence': requestsLimiter({ requests, windowMs: 1_000 }) } : {},
})
