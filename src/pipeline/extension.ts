import type { ResourceView } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Exchange } from './exchange.ts'
import type { Hook } from './stage.ts'
import type { Reply } from './reply.ts'

/**
 * Answers requests in generate mode, on any path. If it returns undefined, the next generator is called, and at last that of the
 * simulator.
 */
export type Generator = (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined>

/** An answer of a forwarder, with the choice whether it is recorded. */
export interface ForwardedReply {
  readonly reply: Reply
  /** False for an answer that must not be replayed, such as "still running" of a polled API; default true. */
  readonly store?: boolean
}

/**
 * Forwards requests to another service in record mode. If it returns undefined, the next forwarder is called, and at last the
 * configured service. A `Reply` without `store` is recorded.
 */
export type Forwarder = (
  exchange: Exchange,
) => Reply | ForwardedReply | undefined | Promise<Reply | ForwardedReply | undefined>

/**
 * Limits requests that have its name in `exchange.limiter`. Undefined admits the request. A `Reply` rejects it, with `limitedBy`
 * for the metrics.
 */
export type NamedLimiter = (exchange: Exchange) => Reply | undefined

/** The simulator that an extension is part of. */
export interface ExtensionHost {
  /** The current configuration of the host and of the default resource. A patch replaces the object. */
  readonly config: ResourceView
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * An extension of the simulator. Extensions run in the order of EXTENSION_PATH, and the functions of each in the order of their
 * arrays. If a function throws or returns an invalid reply, its request gets 500 and the log names the function. A function must
 * handle rejections of promises that it does not return.
 */
export interface Extension {
  /** Name in messages and in `aoai-sim extensions`; one line, unique. */
  readonly name: string
  /** Called for each request of the data plane in all modes, before the key is checked. The first is the outermost. */
  readonly hooks?: readonly Hook[]
  /** Called in order before the generator of the simulator. */
  readonly generators?: readonly Generator[]
  /** Called in order before the configured service. */
  readonly forwarders?: readonly Forwarder[]
  /** By the name that a hook sets in `exchange.limiter`; unique among all extensions. */
  readonly limiters?: Readonly<Record<string, NamedLimiter>>
  /** Called once before the first request. If it throws or rejects, the simulator does not start. */
  readonly onStart?: (host: ExtensionHost) => void | Promise<void>
  /** Called once after the last request, in reverse order of the start, if `onStart` succeeded. Errors are logged. */
  readonly onClose?: () => void | Promise<void>
}

/** Default export of the module of an extension. */
export type ExtensionExport = Extension | ((host: ExtensionHost) => Extension | Promise<Extension>)

/** Returns the extension unchanged, with its types. */
export function defineExtension<const E extends (host: ExtensionHost) => Extension | Promise<Extension>>(
  extension: E,
): E
// `apply?: never` excludes functions, which have a name and would be valid extensions otherwise.
export function defineExtension<const E extends Extension>(extension: E & { readonly apply?: never }): E
export function defineExtension(extension: ExtensionExport): ExtensionExport {
  return extension
}
