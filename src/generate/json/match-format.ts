const date = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/
const time = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/i
const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const hostname = new RegExp(`^${label}(?:\\.${label})*$`, 'i')
const emailName = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)
const uuid = /^(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const duration = /^P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)$/

const isDateTime = (text: string): boolean =>
  /^.{10}[T ]/i.test(text) && date.test(text.slice(0, 10)) && time.test(text.slice(11))

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@')
  const host = text.slice(at + 1)
  return at > 0 && at <= 64 && host.includes('.') && hostname.test(host) && emailName.test(text.slice(0, at))
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  const groups = text.split(':').filter((group) => group !== '')
  if (text.length > 39 || halves.length > 2 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) {
    return false
  }
  return halves.length === 2 ? groups.length < 8 : groups.length === 8 && /^[^:].*[^:]$/.test(text)
}

const checks: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', (text: string) => date.test(text)],
  ['time', (text) => time.test(text)],
  ['date-time', isDateTime],
  ['duration', (text) => duration.test(text)],
  ['email', isEmail],
  ['hostname', (text) => text.length <= 253 && hostname.test(text)],
  ['ipv4', (text) => ipv4.test(text)],
  ['ipv6', isIpv6],
  ['uuid', (text) => uuid.test(text)],
  ['uri', (text) => /^[a-z][a-z0-9+.-]*:[^\s"<>\\^`{|}]+$/i.test(text)],
  ['uri-reference', (text) => /^[^\s"<>\\^`{|}]*$/.test(text)],
])

/**
 * Whether a text has a `format`; true for formats that are not known. Close to what validators assert, so that `oneOf`
 * and `not` can tell formats apart; each expression runs in linear time.
 */
export function matchesFormat(format: unknown, text: string): boolean {
  return typeof format !== 'string' || (checks.get(format)?.(text) ?? true)
}
