import type { Budget } from './budget.ts'
import type { CharacterSet, PatternNode } from './pattern-syntax.ts'

/** A step of a compiled expression. `next` holds the indexes of the following steps. */
export type Instruction =
  | { readonly kind: 'match' }
  | { readonly kind: 'split'; next: number[] }
  | { readonly kind: 'set'; readonly set: CharacterSet; readonly next: number }
  | { readonly kind: 'edge'; readonly edge: 'start' | 'end' | 'word' | 'no-word'; readonly next: number }
  | {
      readonly kind: 'look'
      readonly program: readonly Instruction[]
      readonly ahead: boolean
      readonly negative: boolean
      readonly next: number
    }

/** Counted repeats are expanded: `(a{99}){99}` would have about 10,000 steps. */
const MAX_STEPS = 6_000

/** Compiles an expression to steps, starting at index 0. Returns undefined if it is too large. */
export function compilePattern(root: PatternNode, budget: Budget): readonly Instruction[] | undefined {
  const program: Instruction[] = [{ kind: 'split', next: [] }, { kind: 'match' }]
  const start = compile(root, 1, program, budget)
  if (start === undefined) return undefined
  program[0] = { kind: 'split', next: [start] }
  return program
}

/** Compiles a part that continues at step `next`, from back to front. Returns the index of its first step. */
function compile(
  node: PatternNode,
  next: number,
  program: Instruction[],
  budget: Budget,
): number | undefined {
  if (program.length > MAX_STEPS || !budget.spend(1)) return undefined
  switch (node.kind) {
    case 'set':
      return program.push({ kind: 'set', set: node.set, next }) - 1
    case 'edge':
      return program.push({ kind: 'edge', edge: node.edge, next }) - 1
    case 'group':
      return compile(node.part, next, program, budget)
    case 'repeat-of':
      return undefined
    case 'sequence': {
      let start: number | undefined = next
      for (const part of node.parts.toReversed()) {
        start = compile(part, start, program, budget)
        if (start === undefined) return undefined
      }
      return start
    }
    case 'choice': {
      const starts: number[] = []
      for (const part of node.parts) {
        const start = compile(part, next, program, budget)
        if (start === undefined) return undefined
        starts.push(start)
      }
      return program.push({ kind: 'split', next: starts }) - 1
    }
    case 'look': {
      const inner = compilePattern(node.part, budget)
      const { ahead, negative } = node
      return inner && program.push({ kind: 'look', program: inner, ahead, negative, next }) - 1
    }
    default:
      return compileRepeat(node, next, program, budget)
  }
}

function compileRepeat(
  { part, minCount, maxCount }: Extract<PatternNode, { kind: 'repeat' }>,
  next: number,
  program: Instruction[],
  budget: Budget,
): number | undefined {
  let start: number | undefined = next
  if (maxCount === Infinity) {
    const loop: Instruction = { kind: 'split', next: [next] }
    const at = program.push(loop) - 1
    const body = compile(part, at, program, budget)
    if (body === undefined) return undefined
    loop.next.push(body)
    start = at
  } else {
    for (let extra = minCount; extra < maxCount; extra++) {
      const body: number | undefined = compile(part, start, program, budget)
      if (body === undefined) return undefined
      start = program.push({ kind: 'split', next: [body, next] }) - 1
    }
  }
  for (let copy = 0; copy < minCount; copy++) {
    start = compile(part, start, program, budget)
    if (start === undefined) return undefined
  }
  return start
}
