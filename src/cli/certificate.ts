import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { reasonOf } from '../lib/error-text.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { epochMs } from '../lib/real-timers.ts'
import { createCertificate, parseCertificateHost } from '../server/create-certificate.ts'
import { shellWord } from './banner.ts'
import { type CliHost, parseWhole } from './cli-host.ts'

interface Options {
  readonly out: string
  readonly host?: readonly string[]
  readonly days: number
  readonly force?: true
}

/** Longer certificates of a server are rejected by Apple systems. */
const MAX_DAYS = 825

/** Adds `certificate`, which creates a certificate for development. */
export function addCertificateCommand(program: Command, host: CliHost): void {
  program
    .command('certificate')
    .description('Create a self-signed certificate for development (docs/tls.md).')
    .showHelpAfterError('Run aoai-sim certificate --help for usage.')
    .option('--out <folder>', 'folder for cert.pem and key.pem', 'tls')
    .addOption(
      new Option(
        '--host <names...>',
        'further names or IP addresses of the simulator, besides localhost, 127.0.0.1 and ::1',
      ).argParser(parseHosts),
    )
    .addOption(
      new Option('--days <n>', `validity, at most ${MAX_DAYS} days`)
        .argParser(parseWhole({ min: 1, max: MAX_DAYS }))
        .default(365),
    )
    .option('--force', 'replace existing files')
    .allowExcessArguments(false)
    .action((options: Options) => writeCertificate(host, options))
}

const MAX_HOSTS = 100

function parseHosts(text: string, before: readonly string[] = []): readonly string[] {
  const host = parseCertificateHost(text)
  if (host !== undefined && before.length < MAX_HOSTS) return [...before, host]
  throw new InvalidArgumentError(
    `Give up to ${MAX_HOSTS} host names or IP addresses, such as sim.example.com or 10.0.0.5, without port.`,
  )
}

/**
 * Writes a new certificate and its key, and prints how the simulator and clients use them.
 *
 * @throws {OperatorError} CERTIFICATE_UNWRITABLE if a file exists already, or cannot be written
 */
async function writeCertificate(
  { workingDirectory, stdout }: CliHost,
  { out, host = [], days, force }: Options,
): Promise<void> {
  const paths = [join(out, 'cert.pem'), join(out, 'key.pem')] as const
  const [certPath, keyPath] = paths
  const existing = paths.filter((path) => existsSync(resolve(workingDirectory, path)))
  if (existing.length > 0 && !force) {
    throw unwritable(
      `${existing.join(' and ')} ${existing.length > 1 ? 'exist' : 'exists'} already. Choose another folder with --out, or replace the files with --force.`,
    )
  }
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...host])]
  const validToMs = epochMs() + days * 86_400_000
  const { cert, key } = await createCertificate(hosts, validToMs)
  try {
    mkdirSync(resolve(workingDirectory, out), { recursive: true })
    // The key first: a simulator that watches the files then reads them as one change.
    replaceFile(resolve(workingDirectory, keyPath), key, 0o600)
    replaceFile(resolve(workingDirectory, certPath), cert, 0o644)
  } catch (error) {
    throw unwritable(`${reasonOf(error)}. Choose another folder with --out.`)
  }
  const absolute = shellWordIfNeeded(resolve(workingDirectory, certPath))
  stdout.write(`Wrote ${certPath} and ${keyPath} (private), valid until ${new Date(validToMs).toISOString().slice(0, 10)} for ${hosts.join(', ')}.

Start the simulator with:
  TLS_CERT_PATH=${shellWordIfNeeded(certPath)} TLS_KEY_PATH=${shellWordIfNeeded(keyPath)} aoai-sim

Clients trust the certificate with:
  Node.js, aoai-sim  NODE_EXTRA_CA_CERTS=${absolute}
  Python, Go, .NET   SSL_CERT_FILE=${absolute}
  Python requests    REQUESTS_CA_BUNDLE=${absolute}
  curl               --cacert ${absolute}
`)
}

function unwritable(reason: string): OperatorError {
  return new OperatorError('CERTIFICATE_UNWRITABLE', `Could not write the certificate: ${reason}`)
}

/** Writes a file with another mode than that of an existing file, and without a moment at which it is incomplete. */
function replaceFile(path: string, content: string, mode: number): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(temporary, content, { mode, flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

function shellWordIfNeeded(path: string): string {
  return /^[\w./:@%+=,-]+$/.test(path) ? path : shellWord(path)
}
