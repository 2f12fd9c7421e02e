import { RecentMap } from '../../lib/caches.ts'
import type { CharacterSet } from './pattern-syntax.ts'

const printable = Array.from({ length: 0x7f - 0x20 }, (_, at) => String.fromCharCode(0x20 + at))

/** Other characters that are tried where a set holds no printable ASCII: control characters, Latin, Greek, Cyrillic. */
const HIGHEST_TRIED = 0x4ff

/** What `.` stands for. */
export const anyCharacter: CharacterSet = {
  has: (character) => !/[\n\r\u2028\u2029]/.test(character),
  members: printable,
}

/** The set of one character. */
export function literal(character: string): CharacterSet {
  return { has: (other) => other === character, members: [character] }
}

const known = new RecentMap<string, CharacterSet>(500)

/**
 * The set of a class (`[a-z]`) or of an escape (`\d`, `\p{L}`); undefined when it is not one. JavaScript's own matcher
 * decides, one character at a time, so that no expression can keep it busy.
 */
export function classOf(source: string): CharacterSet | undefined {
  const cached = known.get(source)
  if (cached) return cached
  const expression = compile(source, 'u') ?? compile(source, '')
  if (!expression) return undefined
  const has = (character: string): boolean => expression.test(character)
  const ascii = printable.filter(has)
  const set = { has, members: ascii.length > 0 ? ascii : otherMembers(source, has) }
  known.set(source, set)
  return set
}

function compile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, flags)
  } catch {
    return undefined
  }
}

/** The ends of a class's ranges are members of it, so the class itself names some. */
function otherMembers(source: string, has: (character: string) => boolean): string[] {
  const named = source
    .slice(0, 400)
    .replace(/\\u\{?([0-9a-fA-F]{4,6})\}?|\\x([0-9a-fA-F]{2})/g, (_, long, short) =>
      String.fromCodePoint(Math.min(0x10ffff, parseInt(long ?? short, 16))),
    )
  const members = Array.from(named).filter(has)
  for (let code = 0; code <= HIGHEST_TRIED && members.length < 100; code++) {
    if (has(String.fromCharCode(code))) members.push(String.fromCharCode(code))
  }
  return members
}
