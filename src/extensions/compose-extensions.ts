import type { ForwardedReply, NamedLimiter, ExtensionHost } from '../pipeline/extension.ts'
import type { Hook, Source, NamedStage } from '../pipeline/stage.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { ExtensionPart } from './extension-error.ts'
import {
  type Answerer,
  firstAnswer,
  guardForwarder,
  guardGenerator,
  guardLimiter,
  guardHook,
} from './guard-parts.ts'
import type { LoadedExtension } from './loaded-extension.ts'
import { reasonOf, stackOf } from '../lib/error-text.ts'

/**
 * All extensions combined. They run in the order of the list, and the functions of each in the order of its arrays. An error in a
 * function becomes an `ExtensionError` that names it, and affects only its request.
 */
export interface Extensions extends LifeCycle {
  readonly list: readonly LoadedExtension[]
  /** The first is the outermost. */
  readonly hooks: readonly NamedStage[]
  /** Calls the generators in order until one answers; undefined if there are none. */
  readonly generate: Source | undefined
  /** Calls the forwarders in order until one answers; undefined if there are none. */
  readonly forward: Answerer<Required<ForwardedReply>> | undefined
  /** By the name that a hook sets in `exchange.limiter`. */
  readonly limiters: ReadonlyMap<string, NamedLimiter>
}

/**
 * Combines all extensions. Does not start them.
 *
 * @throws {OperatorError} EXTENSION_INVALID if two extensions or two limiters have the same name
 */
export function composeExtensions(list: readonly LoadedExtension[]): Extensions {
  rejectDuplicateNames(list)
  const generators = list.flatMap((loaded) => guardAll(loaded, 'generators', 'generator', guardGenerator))
  const forwarders = list.flatMap((loaded) => guardAll(loaded, 'forwarders', 'forwarder', guardForwarder))
  const ask = firstAnswer(generators)
  return {
    list,
    hooks: list.flatMap((loaded) => guardAll(loaded, 'hooks', 'hook', namedHook)),
    generate: generators.length === 0 ? undefined : async (exchange) => ask(exchange),
    forward: forwarders.length === 0 ? undefined : firstAnswer(forwarders),
    limiters: composeLimiters(list),
    ...createLifeCycle(list),
  }
}

function namedHook(hook: Hook, extensionPart: ExtensionPart): NamedStage {
  return { name: 'extension', extension: extensionPart.extension, stage: guardHook(hook, extensionPart) }
}

type PartKind = 'hooks' | 'generators' | 'forwarders'
type PartOf<P extends PartKind> = NonNullable<LoadedExtension['extension'][P]>[number]

function guardAll<P extends PartKind, T>(
  loaded: LoadedExtension,
  parts: P,
  word: string,
  guard: (part: PartOf<P>, extensionPart: ExtensionPart) => T,
): T[] {
  const all: readonly PartOf<P>[] = loaded.extension[parts] ?? []
  return all.map((part, index) => {
    const name = part.name === '' ? '' : ` (${part.name})`
    return guard(part, extensionPartOf(loaded, `${word} ${index + 1}${name}`))
  })
}

function composeLimiters(list: readonly LoadedExtension[]): ReadonlyMap<string, NamedLimiter> {
  const limiters = new Map<string, NamedLimiter>()
  const owners = new Map<string, LoadedExtension>()
  for (const loaded of list) {
    for (const [name, limiter] of Object.entries(loaded.extension.limiters ?? {})) {
      const owner = owners.get(name)
      if (owner) throw sameLimiter(name, owner, loaded)
      owners.set(name, loaded)
      limiters.set(name, guardLimiter(limiter, extensionPartOf(loaded, `limiter "${name}"`)))
    }
  }
  return limiters
}

function extensionPartOf({ extension, source }: LoadedExtension, part: string): ExtensionPart {
  return { extension: extension.name, source, part }
}

function rejectDuplicateNames(list: readonly LoadedExtension[]): void {
  const sources = new Map<string, string>()
  for (const { extension, source } of list) {
    const other = sources.get(extension.name)
    if (other !== undefined) {
      const advice = other === source ? 'List it only once.' : 'Rename one of them.'
      throw new OperatorError(
        'EXTENSION_INVALID',
        `Could not use the extension ${source}: the name "${extension.name}" is already in use (by ${other}). ${advice}`,
      )
    }
    sources.set(extension.name, source)
  }
}

function sameLimiter(name: string, owner: LoadedExtension, loaded: LoadedExtension): OperatorError {
  return new OperatorError(
    'EXTENSION_INVALID',
    `Could not use the extension ${loaded.source}: its limiter "${name}" is already defined by "${owner.extension.name}" (${owner.source}). Rename one of them.`,
  )
}

/** Start and close of extensions. */
export interface LifeCycle {
  /**
   * Starts all extensions in order. If one fails, closes those that have started.
   *
   * @throws {OperatorError} EXTENSION_INVALID
   */
  start(host: ExtensionHost): Promise<void>
  /** Closes the started extensions in reverse order. Logs errors and continues with the others. */
  close(): Promise<void>
}

/** Returns the functions that start and close a list of extensions. */
function createLifeCycle(list: readonly LoadedExtension[]): LifeCycle {
  let started: { readonly loaded: LoadedExtension; readonly host: ExtensionHost }[] = []

  const close = async (): Promise<void> => {
    // A second call has no effect.
    const toClose = started.toReversed()
    started = []
    for (const { loaded, host } of toClose) await closeOne(loaded, host)
  }

  return {
    async start(host) {
      for (const loaded of list) {
        const { extension, source } = loaded
        try {
          await extension.onStart?.(host)
        } catch (error) {
          await close()
          const reason = reasonOf(error)
          throw new OperatorError(
            'EXTENSION_INVALID',
            `Could not start the extension "${extension.name}" (${source}): its onStart failed: ${reason.replace(/\.$/, '')}. Correct that, or remove it from EXTENSION_PATH.`,
            { cause: error },
          )
        }
        started.push({ loaded, host })
      }
    },
    close,
  }
}

async function closeOne({ extension, source }: LoadedExtension, { logger }: ExtensionHost): Promise<void> {
  try {
    await extension.onClose?.()
  } catch (error) {
    logger.error(
      {
        extension: extension.name,
        source,
        err: stackOf(error),
      },
      'Could not close an extension: its onClose failed.',
    )
  }
}
