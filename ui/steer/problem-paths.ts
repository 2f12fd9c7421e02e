import { getAt, isEqual, isTree, type Path } from './json-tree.ts'

/** A problem of the simulator with the place that it is about. */
export interface PlacedProblem {
  readonly text: string
  /** Empty if the text names no part of the document. */
  readonly path: Path
}

/** Words before a place that name the kind of the document. */
const prefix =
  /^(?:(?:patch|body|aoai-sim\.yaml): )?(?:(?:resources|upstreams)\.(?:[\w-]+|"(?:[^"\\]|\\.)*")(?:: |\.))?(?:patch: )?/

/**
 * Finds the place of a problem in a document with keys in snake_case, such as of
 * `resources.acme: openai_deployments: "chat".tokensPerMinute must be an integer`.
 *
 * @param document the draft; a place that it does not have is shortened
 */
export function placeProblem(text: string, document: unknown): PlacedProblem {
  const rest = text.replace(prefix, '')
  const variable = /^[A-Z][A-Z\d_]+\b/.exec(rest)?.[0].toLowerCase()
  if (variable !== undefined) {
    const own = [variable, variable.replace('simulator_', '')].find(
      (key) => getAt(document, [key]) !== undefined,
    )
    return { text, path: own === undefined ? [] : [own] }
  }
  const parts: (string | number)[] = []
  let at = 0
  const part = /(?:\.?([A-Za-z_$][\w$]*(?:-[\w$]+)*)|\.?"((?:[^"\\]|\\.)*)"|\[(\d+)\])/y
  for (;;) {
    part.lastIndex = at
    const found = part.exec(rest)
    if (!found) break
    const [whole, word, quoted, index] = found
    // Words of the sentence follow after a space.
    parts.push(
      index === undefined ? (quoted === undefined ? snake(word ?? '') : unquote(quoted)) : Number(index),
    )
    at += whole.length
    if (rest.startsWith(': ', at)) at += 2
    if (rest[at] === ' ' || at >= rest.length) break
  }
  return { text, path: existing(named(parts), document) }
}

/** The section of deployments has another name in a patch, and a list of faults repeats its name. */
function named(parts: readonly (string | number)[]): Path {
  const [first, second, ...others] = parts
  if (first === undefined) return []
  const section = first === 'openai_deployments' ? 'deployments' : first
  if (second === undefined) return [section]
  if (section === 'faults' && second === 'faults') return [section, ...others]
  return [section, second, ...others]
}

/** Shortens a path until its parent exists. A member that is absent has a field too. */
function existing(path: Path, document: unknown): Path {
  let length = path.length
  while (length > 0) {
    const parent = getAt(document, path.slice(0, length - 1))
    if (isTree(parent) || Array.isArray(parent)) return path.slice(0, length)
    length--
  }
  return []
}

function snake(word: string): string {
  return word.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function unquote(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return text
  }
}

/** Returns what the simulator says about the value at a path. */
export function problemAt(problems: readonly PlacedProblem[], path: Path): string | undefined {
  const texts = problems.filter((problem) => isEqual(problem.path, path)).map(({ text }) => text)
  return texts.length === 0 ? undefined : texts.join(' ')
}

/** Returns whether the value at a path, or a part of it, has a problem. */
export function hasProblemIn(problems: readonly PlacedProblem[], path: Path): boolean {
  return problems.some((problem) => isEqual(problem.path.slice(0, path.length), path))
}

/** Id of a field, for links from a list of problems. */
export function fieldId(target: string, path: Path): string {
  return `field-${[target, ...path].map((part) => encodeURIComponent(String(part))).join('.')}`
}
