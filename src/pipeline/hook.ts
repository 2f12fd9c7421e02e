import type { Exchange } from './exchange.ts'
import type { Reply } from './reply.ts'

/** Asks the rest of the chain for its answer. May be called once. */
export type Next = () => Promise<Reply>

/** A stage of the pipeline: answers itself, or calls `next` and may change what comes back. */
export type Hook = (exchange: Exchange, next: Next) => Promise<Reply>

/** The innermost stage: answers in one mode, or gives undefined for a request that it does not know. */
export type ModeHandler = (exchange: Exchange) => Promise<Reply | undefined>
