/**
 * Reads pairs in the form of OpenTelemetry's variables: `name=value,other=value`, values with %XX for special characters. Of
 * a name that comes twice the last one counts; a pair without a name is passed over.
 */
export function parseKeyValues(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? '').split(',').flatMap((pair): [string, string][] => {
    const equals = pair.indexOf('=')
    const name = pair.slice(0, equals).trim()
    return equals < 0 || name === '' ? [] : [[decode(name), decode(pair.slice(equals + 1).trim())]]
  })
  return Object.fromEntries(pairs)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
