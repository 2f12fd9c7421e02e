import type { ResourceView } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Exchange } from './exchange.ts'
import type { Hook } from './stage.ts'
import type { Reply } from './reply.ts'

/**
 * Answers requests in generate mode, on any path. Undefined passes the request on: to the next generator, and at last to
 * the simulator's own.
 */
export type Generator = (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined>

/** A forwarder's answer that says whether it is recorded. */
export interface ForwardedReply {
  readonly reply: Reply
  /** False for what no replay should see, such as the "still running" of an API that is polled; default true. */
  readonly store?: boolean
}

/**
 * Carries requests to another service in record mode. Undefined passes the request on: to the next forwarder, and at last
 * to the configured service. A Reply by itself is recorded.
 */
export type Forwarder = (
  exchange: Exchange,
) => Reply | ForwardedReply | undefined | Promise<Reply | ForwardedReply | undefined>

/**
 * A limit that requests name by `exchange.limiter`. Undefined admits the request; a Reply refuses it, with `limitedBy` for
 * the metrics.
 */
export type NamedLimiter = (exchange: Exchange) => Reply | undefined

/** What an extension sees of the simulator that it is part of. */
export interface ExtensionHost {
  /** The configuration of the moment: of the host and of the default resource. A patch replaces it as a whole. */
  readonly config: ResourceView
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What a file, a folder or a package adds to the simulator. Several act in the order of EXTENSION_PATH, and within each
 * its functions in the order of their arrays. A function that throws, or gives what is no Reply, costs its own request a
 * 500 and is named in the log; for a promise that it leaves behind it has to care itself.
 */
export interface Extension {
  /** How messages and `aoai-sim extensions` name it; one line, unique. */
  readonly name: string
  /** Wrap every request of the data plane, in every mode, before the key is checked. The first is the outermost. */
  readonly hooks?: readonly Hook[]
  /** Asked in order before the simulator's own generator. */
  readonly generators?: readonly Generator[]
  /** Asked in order before the configured service. */
  readonly forwarders?: readonly Forwarder[]
  /** By the name that a hook puts into `exchange.limiter`; unique over all extensions. */
  readonly limiters?: Readonly<Record<string, NamedLimiter>>
  /** Called once before the first request; a rejection stops the start. */
  readonly onStart?: (host: ExtensionHost) => void | Promise<void>
  /** Called once after the last request, if it has started; the last one first. A failure is logged. */
  readonly onClose?: () => void | Promise<void>
}

/** What an extension's module exports as default. */
export type ExtensionExport = Extension | ((host: ExtensionHost) => Extension | Promise<Extension>)

/** Gives an extension its types; it changes nothing. */
export function defineExtension<const E extends (host: ExtensionHost) => Extension | Promise<Extension>>(
  extension: E,
): E
// Without the second part any function would pass: functions have a name, and nothing else is required.
export function defineExtension<const E extends Extension>(extension: E & { readonly apply?: never }): E
export function defineExtension(extension: ExtensionExport): ExtensionExport {
  return extension
}
