// Authenticates each tenant by a separate key, instead of the simulator's key. Journal and retry report name the tenant.
// TENANT_KEYS=red:first-secret,blue:second-secret EXTENSION_PATH=examples/extensions/tenant-keys.ts aoai-sim
import { createHash } from 'node:crypto'
import {
  defineExtension,
  errorReply,
  type Exchange,
  type Hook,
  invalidKey,
} from 'aoai-simulated-api/extension'

/** Keys are compared by hash, to prevent timing attacks. */
const hashOf = (key: string): string => createHash('sha256').update(key).digest('hex')

function readTenants(text = ''): ReadonlyMap<string, string> {
  const pairs = text.split(',').map((pair) => pair.trim().split(':'))
  const tenants = new Map(pairs.map(([name = '', key = '']) => [hashOf(key), name]))
  if (pairs.some(([name, key]) => !name || !key) || tenants.size < pairs.length) {
    throw new Error(
      'TENANT_KEYS must be a list of name:key with different keys, such as red:first,blue:second',
    )
  }
  return tenants
}

function keyOf({ headers }: Exchange): string {
  const key = headers['api-key'] ?? headers.authorization?.replace(/^bearer /i, '')
  return typeof key === 'string' ? key : ''
}

export default defineExtension(() => {
  const tenants = readTenants(process.env['TENANT_KEYS'])

  const authenticateTenant: Hook = async (exchange, next) => {
    exchange.caller = tenants.get(hashOf(keyOf(exchange)))
    return exchange.caller === undefined ? errorReply(exchange, invalidKey()) : next()
  }

  return { name: 'tenant-keys', hooks: [authenticateTenant] }
})
