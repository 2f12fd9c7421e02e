/** A node of a regular expression. `min` and `max` bound the number of characters that it matches. */
export type PatternNode =
  | (Extent & { readonly kind: 'set'; readonly set: CharacterSet })
  | (Extent & { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] })
  | (Extent & {
      readonly kind: 'repeat'
      readonly part: PatternNode
      readonly minCount: number
      readonly maxCount: number
    })
  | (Extent & { readonly kind: 'group'; readonly part: PatternNode; readonly group: number })
  | (Extent & { readonly kind: 'repeat-of'; readonly group: number })
  | (Extent & { readonly kind: 'edge'; readonly edge: 'start' | 'end' | 'word' | 'no-word' })
  | (Extent & {
      readonly kind: 'look'
      readonly part: PatternNode
      readonly ahead: boolean
      readonly negative: boolean
    })

interface Extent {
  readonly min: number
  readonly max: number
}

/** A set of characters. */
export interface CharacterSet {
  has(character: string): boolean
  /** Members to draw from: printable ASCII if there is any. Empty if none was found. */
  readonly members: readonly string[]
}

/** A regular expression to draw texts from and to match in linear time. */
export interface Pattern {
  readonly source: string
  readonly root: PatternNode
  /** Whether it has lookaheads or lookbehinds. They are only checked after a draw, which then uses wider sets. */
  readonly hasLookarounds: boolean
  /** Whether it has backreferences, which the linear matcher does not support. */
  readonly hasBackreferences: boolean
}
