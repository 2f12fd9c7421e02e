import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importJWK, SignJWT, type JWTPayload } from 'jose'
import type { SigningKey } from '../../src/config/access-settings.ts'

/** Signs claims with the key of a resource or of a fake tenant. */
export async function signToken(
  claims: JWTPayload,
  { kid, jwk }: SigningKey,
  header: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const key = await importJWK({ ...jwk, kty: 'RSA' }, 'RS256')
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT', ...header }).sign(key)
}

/** A token without a valid signature. */
export function unsignedToken(header: object, claims: object, signature = ''): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.${signature}`
}

/** The public keys of a fake tenant, as Entra serves them. */
export class FakeAuthority implements AsyncDisposable {
  readonly asked: string[] = []
  /** Keys of all tenants; undefined: status 500. */
  keys: readonly SigningKey[] | undefined
  readonly #server: Server

  private constructor(keys: readonly SigningKey[]) {
    this.keys = keys
    this.#server = createServer(({ url = '' }, answer) => {
      this.asked.push(url)
      if (!this.keys) {
        answer.writeHead(500).end()
        return
      }
      const keysJson = this.keys.map(({ kid, jwk: { n, e } }) => ({ kty: 'RSA', use: 'sig', kid, n, e }))
      answer.end(JSON.stringify({ keys: keysJson }))
    })
  }

  static async start(...keys: readonly SigningKey[]): Promise<FakeAuthority> {
    const authority = new FakeAuthority(keys)
    await new Promise<void>((resolve) => {
      authority.#server.listen(0, '127.0.0.1', resolve)
    })
    return authority
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
  }
}
