/** The same with every key optional; undefined counts as absent. */
export type Given<T> = { readonly [Key in keyof T]?: T[Key] | undefined }

/** Settings as a caller of the library gives them: each optional, and lists as lists or in the text of their variable. */
export type GivenSettings<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? string | readonly Item[]
    : { readonly [Key in keyof T]?: GivenSettings<T[Key]> | undefined }
