import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { packageFolder } from './built-program.ts'
import { freePort } from './free-port.ts'
import { type Need, needOf } from './installed-tool.ts'

const program = join(packageFolder, 'tests/clients/azurite/node_modules/azurite/dist/src/blob/main.js')

/** Whether `make clients` has installed Azurite, the emulator of Azure Storage. */
export const azuriteNeed: Need = needOf(existsSync(program) ? [] : ['make clients'])

/** Account and key that each Azurite has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite. */
const account = 'devstoreaccount1'
export const azuriteKey =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** A running Azurite. `await using` ends it and removes its folder. */
export interface Azurite extends AsyncDisposable {
  /** Address of the account, such as `http://127.0.0.1:10000/devstoreaccount1`. */
  readonly url: string
  readonly client: BlobServiceClient
  /** Ends the process. The content stays. */
  stop(): Promise<void>
  /** Starts it on the same port. */
  start(): Promise<void>
}

/** Starts Azurite on a free port of this machine, without telemetry. */
export async function startAzurite(): Promise<Azurite> {
  const folder = mkdtempSync(join(tmpdir(), 'azurite-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/${account}`
  let end = async (): Promise<void> => {}
  const azurite: Azurite = {
    url,
    client: new BlobServiceClient(url, new StorageSharedKeyCredential(account, azuriteKey), {
      retryOptions: { maxTries: 1 },
    }),
    stop: () => end(),
    async start() {
      const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', folder]
      // The client can be newer than the emulator.
      const flags = ['--disableTelemetry', '--skipApiVersionCheck']
      const child = spawn(process.execPath, [program, ...args, ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
      end = () => {
        // It saves its content at the end.
        child.kill('SIGTERM')
        return ended
      }
      await new Promise<void>((resolve, reject) => {
        const read = (chunk: Buffer): void => {
          output += chunk.toString()
          if (output.includes('successfully listens')) resolve()
        }
        child.stdout.on('data', read)
        child.stderr.on('data', read)
        void ended.then(() => reject(new Error(`Could not start Azurite: ${output}`)))
      })
    },
    async [Symbol.asyncDispose]() {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await azurite.start()
  return azurite
}
