import type { Budget } from './budget.ts'
import { compilePattern, type Instruction } from './pattern-program.ts'
import type { Pattern } from './pattern-syntax.ts'

const programs = new WeakMap<Pattern, readonly Instruction[] | 'too-large'>()

/**
 * Whether a text contains a match of a regular expression. Takes linear time, while a JavaScript RegExp can take
 * hours for a hostile expression. Returns true if the budget runs out or the expression has backreferences.
 */
export function matchesPattern(pattern: Pattern, text: string, budget: Budget): boolean {
  if (pattern.hasBackreferences) return true
  let program = programs.get(pattern)
  if (!program) {
    program = compilePattern(pattern.root, budget) ?? 'too-large'
    programs.set(pattern, program)
  }
  if (program === 'too-large') return true
  return run(program, Array.from(text), 0, { anywhere: true }, budget)
}

interface Run {
  /** Whether the match can start at any later character. */
  readonly anywhere: boolean
  /** Required end of the match. Default: anywhere. */
  readonly endAt?: number
}

/** Follows all paths through the program at the same time (Thompson's construction). */
function run(
  program: readonly Instruction[],
  characters: readonly string[],
  from: number,
  { anywhere, endAt }: Run,
  budget: Budget,
): boolean {
  const last = endAt ?? characters.length
  const reached = new Int32Array(program.length).fill(-1)
  let current: number[] = []
  let matched = false

  const enter = (start: number, at: number, into: number[]): void => {
    const stack = [start]
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (reached[index] === at) continue
      reached[index] = at
      if (!budget.spend(1)) return
      const instruction = program[index]
      if (!instruction) continue
      switch (instruction.kind) {
        case 'match':
          matched ||= endAt === undefined || at === endAt
          break
        case 'split':
          for (const next of instruction.next) stack.push(next)
          break
        case 'edge':
          if (isAtEdge(instruction.edge, characters, at)) stack.push(instruction.next)
          break
        case 'look': {
          const { ahead, negative, program: inner } = instruction
          const seen = ahead
            ? run(inner, characters, at, { anywhere: false }, budget)
            : run(inner, characters, 0, { anywhere: true, endAt: at }, budget)
          if (seen !== negative) stack.push(instruction.next)
          break
        }
        case 'set':
          into.push(index)
      }
    }
  }

  for (let at = from; ; at++) {
    if (anywhere || at === from) enter(0, at, current)
    if (budget.spent) return true
    if (matched) return true
    const character = characters[at]
    if (at >= last || character === undefined) return false
    if (current.length === 0 && !anywhere) return false
    const following: number[] = []
    for (const index of current) {
      const instruction = program[index]
      if (instruction?.kind === 'set' && instruction.set.has(character))
        enter(instruction.next, at + 1, following)
    }
    current = following
  }
}

function isAtEdge(
  edge: 'start' | 'end' | 'word' | 'no-word',
  characters: readonly string[],
  at: number,
): boolean {
  if (edge === 'start') return at === 0
  if (edge === 'end') return at === characters.length
  const isWord = (index: number): boolean => /^\w$/.test(characters[index] ?? '')
  return (isWord(at - 1) !== isWord(at)) === (edge === 'word')
}
