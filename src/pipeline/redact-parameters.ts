import { isCredentialParameter } from './redact-names.ts'

/** What stands in the place of a secret in a query, where brackets would be escaped. */
const blank = 'REDACTED'

/**
 * A query, or a form in its encoding, with the values of credentials and of the given names replaced. The rest stays
 * byte by byte, so that it is still the query that was sent.
 *
 * @param names in lower case
 */
export function redactParameters(query: string, names: ReadonlySet<string>): string {
  return query
    .split('&')
    .map((parameter) => {
      const equals = parameter.indexOf('=')
      if (equals < 0) return parameter
      const name = decode(parameter.slice(0, equals))
      if (!isCredentialParameter(name) && !names.has(name.toLowerCase())) return parameter
      return `${parameter.slice(0, equals)}=${blank}`
    })
    .join('&')
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
