/** A request for one of the simulator's own pages, as a worker got it. */
export interface PageRequest {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** In base64; null without a body. */
  readonly body: string | null
}

/** Its answer. */
export interface PageAnswer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Empty for an answer without a body. */
  readonly body: string
}

/** What a worker asks for its clients. */
export type PageMethods = {
  'pages.answer': (request: PageRequest) => Promise<PageAnswer>
}
