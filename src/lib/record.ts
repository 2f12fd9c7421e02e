/** Whether a value is an object with keys: not null and not an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The keys of an object, or no keys if the value is not an object. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}

/** The keys of a JSON object, or no keys if the text is not a JSON object. */
export function parseFields(json: string): Readonly<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse(json))
  } catch {
    return {}
  }
}
