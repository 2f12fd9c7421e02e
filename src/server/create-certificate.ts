import { generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { promisify } from 'node:util'
import { epochMs } from '../lib/real-timers.ts'

/** A label has letters, digits and hyphens. A wildcard is the whole first label. */
const hostName = /^(?:\*\.)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/

const MAX_NAME_LENGTH = 253

/**
 * Returns a name or an address in the form of a certificate: in lower case, with IDN names in ASCII. Undefined if it is neither a host
 * name, with or without a wildcard, nor an IP address.
 */
export function parseCertificateHost(text: string): string | undefined {
  const name = text.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(name) === 4) return name
  // One form of each address: node-forge reads neither IPv4 at the end nor all abbreviations.
  if (isIP(name) === 6)
    return name.includes('%') ? undefined : new URL(`http://[${name}]`).hostname.slice(1, -1)
  const [wildcard, rest] = name.startsWith('*.') ? ['*.', name.slice(2)] : ['', name]
  // A name of digits and dots is an incomplete or invalid address.
  const ascii = /^[\d.]*$/.test(rest) ? '' : wildcard + domainToASCII(rest)
  return hostName.test(ascii) && ascii.length <= MAX_NAME_LENGTH ? ascii : undefined
}

/** Tolerance for clocks of clients that are behind, in milliseconds. */
const CLOCK_TOLERANCE_MS = 3_600_000

/**
 * Creates a self-signed certificate of a server, with an RSA key of 2,048 bits, which all clients support. It is not the certificate of
 * an authority: a client that trusts it trusts no other certificate, and clients with rustls reject one of an authority.
 *
 * @param hosts names and IP addresses, for which it is valid
 * @returns both in PEM format
 */
export async function createCertificate(
  hosts: readonly string[],
  validToMs: number,
  validFromMs = epochMs() - CLOCK_TOLERANCE_MS,
): Promise<{ readonly cert: string; readonly key: string }> {
  const { default: forge } = await import('node-forge')
  const { publicKey, privateKey: key } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  // A serial number is positive, so its first bit is 0.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(validFromMs)
  certificate.validity.notAfter = new Date(validToMs)
  const name = [{ name: 'commonName', value: 'aoai-simulated-api development' }]
  certificate.setSubject(name)
  certificate.setIssuer(name)
  certificate.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    {
      name: 'subjectAltName',
      altNames: hosts.map((host) => (isIP(host) > 0 ? { type: 7, ip: host } : { type: 2, value: host })),
    },
    { name: 'subjectKeyIdentifier' },
  ])
  certificate.sign(forge.pki.privateKeyFromPem(key), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate).replaceAll('\r', ''), key }
}
