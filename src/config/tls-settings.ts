import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { reasonOf } from '../lib/error-text.ts'
import { epochMs } from '../lib/real-timers.ts'
import { setting, text } from './setting.ts'
import type { GivenValue } from './settings-table.ts'
import type { ConfigSources } from './sources.ts'

const group = 'Server'

/** The certificate of the listener. */
export const tlsSettings = {
  certPath: setting(text(/./, 'the path of a file'), {
    env: 'TLS_CERT_PATH',
    group,
    unsetMeaning: 'HTTP without TLS',
    description: 'Certificate chain for HTTPS in PEM format, reloaded after a change (docs/tls.md).',
  }),
  keyPath: setting(text(/./, 'the path of a file'), {
    env: 'TLS_KEY_PATH',
    group,
    unsetMeaning: 'HTTP without TLS',
    description: 'Private key of the certificate in PEM format, without a passphrase.',
  }),
}

/** Absolute paths of a certificate and its private key. */
export interface TlsFiles {
  readonly certPath: string
  readonly keyPath: string
}

/** Returns the files of the TLS settings with absolute paths, or undefined without TLS. */
export function tlsFilesOf(
  { certPath, keyPath }: { readonly certPath?: string | undefined; readonly keyPath?: string | undefined },
  workingDirectory: string,
): TlsFiles | undefined {
  if (certPath === undefined || keyPath === undefined) return undefined
  return { certPath: resolve(workingDirectory, certPath), keyPath: resolve(workingDirectory, keyPath) }
}

/** Validates the TLS settings together. Returns problems of one or two sentences each. */
export function tlsProblems({
  tls,
}: {
  readonly tls: { readonly certPath?: string | undefined; readonly keyPath?: string | undefined }
}): readonly string[] {
  if ((tls.certPath === undefined) === (tls.keyPath === undefined)) return []
  const [set, unset] =
    tls.certPath === undefined ? ['TLS_KEY_PATH', 'TLS_CERT_PATH'] : ['TLS_CERT_PATH', 'TLS_KEY_PATH']
  return [
    `${unset} must be set if ${set} is set (got nothing). Set ${unset}, or remove ${set} to use HTTP without TLS.`,
  ]
}

/** A certificate with its key, both in PEM format. The key is secret. */
export interface Certificate {
  readonly cert: string
  readonly key: string
  /** The certificate of the server, which is the first of the chain. */
  readonly leaf: X509Certificate
}

/** A certificate, or the problems of its files, one or two sentences each. */
export type ReadCertificate =
  | { readonly certificate: Certificate; readonly warnings: readonly string[] }
  | { readonly problems: readonly string[] }

/**
 * Reads and checks a certificate and its key. Messages never quote the content of the key file.
 *
 * @param names names of the two settings in messages
 */
export function readCertificate(
  { certPath, keyPath }: TlsFiles,
  readFile: ConfigSources['readFile'],
  names: TlsFiles = { certPath: 'TLS_CERT_PATH', keyPath: 'TLS_KEY_PATH' },
): ReadCertificate {
  const cert = readPart(certPath, readFile, names.certPath, 'certificate', (text) =>
    parseCertificate(text, certPath),
  )
  const key = readPart(keyPath, readFile, names.keyPath, 'private key', (text) => parseKey(text, keyPath))
  if ('problem' in cert || 'problem' in key) {
    return { problems: [cert, key].flatMap((part) => ('problem' in part ? [part.problem] : [])) }
  }
  if (!cert.value.checkPrivateKey(key.value)) {
    const problem = `${names.keyPath} must be the key of the certificate in ${names.certPath} (got ${keyPath}, the key of another certificate). Set both to one pair; in a chain, the certificate of the server must be the first.`
    return { problems: [problem] }
  }
  try {
    createSecureContext({ cert: cert.text, key: key.text })
  } catch (error) {
    const problem = `${names.certPath} and ${names.keyPath} cannot be used for TLS: ${tlsReason(error)} (got ${certPath}). Use another certificate, such as that of aoai-sim certificate.`
    return { problems: [problem] }
  }
  return {
    certificate: { cert: cert.text, key: key.text, leaf: cert.value },
    warnings: validityWarnings(cert.value, certPath),
  }
}

/**
 * Checks the files of the TLS settings at the start, so that their problems are reported together with those of other settings.
 *
 * @returns one or two sentences each; an empty list without TLS, or if only one of the settings is set (`tlsProblems`)
 */
export function certificateProblems(
  given: readonly GivenValue[],
  { workingDirectory, readFile }: Pick<ConfigSources, 'workingDirectory' | 'readFile'>,
): readonly string[] {
  const find = (env: string): GivenValue | undefined =>
    given.find(
      ({ setting: { env: name }, value }) => name === env && typeof value === 'string' && value !== '',
    )
  const [cert, key] = [find('TLS_CERT_PATH'), find('TLS_KEY_PATH')]
  const files = tlsFilesOf(
    { certPath: cert?.value as string, keyPath: key?.value as string },
    workingDirectory,
  )
  if (!cert || !key || !files) return []
  const read = readCertificate(files, readFile, { certPath: cert.source, keyPath: key.source })
  return 'problems' in read ? read.problems : []
}

type Part<T> = { readonly text: string; readonly value: T } | { readonly problem: string }

/** @param parse throws an error with a message that completes "got ..." */
function readPart<T>(
  path: string,
  readFile: ConfigSources['readFile'],
  name: string,
  kind: string,
  parse: (text: string) => T,
): Part<T> {
  let content: string
  try {
    content = readFile(path)
  } catch (error) {
    return {
      problem: `${name} names a file that cannot be read: ${reasonOf(error)}. Set it to the path of the ${kind}, and make the file readable for this user.`,
    }
  }
  try {
    return { text: content, value: parse(content) }
  } catch (error) {
    return { problem: `${name} must name a ${kind} in PEM format (got ${reasonOf(error)}` }
  }
}

function parseCertificate(content: string, path: string): X509Certificate {
  try {
    return new X509Certificate(content)
  } catch {
    const got = content.includes('-----BEGIN CERTIFICATE-----') ? 'a damaged certificate' : 'no certificate'
    throw new Error(
      `${path}, which has ${got}). Convert a DER file with openssl x509 -inform der -in FILE -out cert.pem.`,
    )
  }
}

function parseKey(content: string, path: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(content)) {
    throw new Error(
      `${path}, which has a key with a passphrase). Remove the passphrase with openssl pkey -in FILE -out key.pem.`,
    )
  }
  try {
    return createPrivateKey(content)
  } catch {
    const got = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(content) ? 'a damaged key' : 'no private key'
    throw new Error(
      `${path}, which has ${got}). Convert a DER file with openssl pkey -inform der -in FILE -out key.pem.`,
    )
  }
}

function validityWarnings({ validFrom, validTo }: X509Certificate, path: string): string[] {
  const nowMs = epochMs()
  if (Date.parse(validTo) < nowMs) {
    return [`The certificate in ${path} expired at ${isoTime(validTo)}. Clients reject it. Renew it.`]
  }
  return Date.parse(validFrom) > nowMs
    ? [
        `The certificate in ${path} is not valid before ${isoTime(validFrom)}. Clients reject it until then. Check the clock of this machine.`,
      ]
    : []
}

/** Converts a time of a certificate, such as `Nov 30 13:05:00 2026 GMT`, to ISO 8601. */
export function isoTime(time: string): string {
  return new Date(time).toISOString().replace('.000Z', 'Z')
}

/** The message of OpenSSL contains memory addresses and source lines; its reason does not. */
function tlsReason(error: unknown): string {
  return error instanceof Error && 'reason' in error ? String(error.reason) : reasonOf(error)
}
