import type { ExtensionHost } from '../pipeline/extension.ts'
import { reasonOf, stackOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { LoadedExtension } from './loaded-extension.ts'

/** The start and the end of extensions. */
export interface LifeCycle {
  /**
   * Starts all, one after the other. Where one fails, those already started are closed again.
   *
   * @throws {OperatorError} EXTENSION_INVALID
   */
  start(host: ExtensionHost): Promise<void>
  /** Closes what has been started, the last one first. One that fails keeps no other from closing; the log has it. */
  close(): Promise<void>
}

/** Makes the start and the end of a list of extensions. */
export function createLifeCycle(list: readonly LoadedExtension[]): LifeCycle {
  let started: { readonly loaded: LoadedExtension; readonly host: ExtensionHost }[] = []

  const close = async (): Promise<void> => {
    // A second call finds nothing to do.
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
            `Could not start the extension "${extension.name}" (${source}): its onStart failed: ${reason.replace(/\.$/, '')}. Correct that, or take it out of EXTENSION_PATH.`,
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
      'The onClose of an extension failed.',
    )
  }
}
