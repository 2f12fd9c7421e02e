import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { type SigningKey, thumbprintOf } from '../config/access-settings.ts'

const generate = promisify(generateKeyPair)

/** Creates an RSA key with 2,048 bits that signs tokens. Its id is the thumbprint of the public key (RFC 7638). */
export async function makeSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generate('rsa', { modulusLength: 2_048, publicExponent: 0x10001 })
  const jwk = privateKey.export({ format: 'jwk' }) as Record<string, string>
  return { kid: thumbprintOf(jwk), jwk }
}
