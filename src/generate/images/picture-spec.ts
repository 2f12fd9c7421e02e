/** All that a picture is made from: equal specs give equal bytes. */
export interface PictureSpec {
  /** What stands in the picture; characters that the font does not have become boxes. */
  readonly text: string
  /** The model and what else a reader of the picture wants to know. */
  readonly caption: string
  readonly width: number
  readonly height: number
  /** Chooses colours and pattern; an unsigned 32-bit integer. */
  readonly hash: number
  readonly transparent: boolean
  /** The share of the picture that is finished, from the top: 1, or less on the way of a stream. */
  readonly finished: number
}
