/** A part of a regular expression. `min` and `max` bound the number of characters that it takes. */
export type PatternNode =
  | (Extent & { readonly kind: 'set'; readonly set: CharacterSet })
  | (Extent & { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] })
  | (Extent & {
      readonly kind: 'repeat'
      readonly part: PatternNode
      readonly least: number
      readonly most: number
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

/** The characters that may stand at one place. */
export interface CharacterSet {
  has(character: string): boolean
  /** Members to draw from, printable ASCII where there is any; empty when none was found. */
  readonly members: readonly string[]
}

/** A regular expression that can be drawn from and matched in linear time. */
export interface Pattern {
  readonly source: string
  readonly root: PatternNode
  /** It looks ahead or behind, so that a drawn text must be checked for it and drawn from wider sets. */
  readonly looks: boolean
  /** It refers back to a group, which the linear matcher does not follow. */
  readonly refersBack: boolean
}
