import { isCredentialName } from '../lib/credential-names.ts'
import { redacted, redactHeaderValue } from '../lib/credential-texts.ts'
import { redactBody } from '../lib/redact-credentials.ts'

const MAX_LENGTH = 60

/**
 * A wrong value as a message quotes it: as JSON, cut when it is long, without credentials.
 *
 * @param place what it stands under: `"chat".api_key`
 */
export function showValue(value: unknown, place = ''): string {
  const name = /[^."\s]+(?="?$)/.exec(place)?.[0] ?? ''
  if (typeof value === 'string' && isCredentialName(name, 'member')) return redacted
  const shown =
    typeof value === 'string'
      ? JSON.stringify(redactHeaderValue(value))
      : redactBody(JSON.stringify(value) ?? typeof value)
  return shown.length > MAX_LENGTH ? `${shown.slice(0, MAX_LENGTH)}...` : shown
}
