import { onTestFinished, vi } from 'vitest'
import { type FakeAnswer, type FakeUpstream, json, startFakeUpstream } from './fake-upstream.ts'

let identity: Promise<FakeUpstream> | undefined

/**
 * The endpoint of a managed identity, as App Service has it, in the environment of this process until the test has ended. All tests of a
 * process share it, because @azure/identity keeps the first address.
 */
export async function useFakeIdentity(answer: FakeAnswer): Promise<FakeUpstream> {
  identity ??= startFakeUpstream()
  const used = await identity
  used.answer = answer
  used.received.length = 0
  vi.stubEnv('IDENTITY_ENDPOINT', `${used.url}/msi/token`)
  vi.stubEnv('IDENTITY_HEADER', 'identity-header-of-the-test')
  onTestFinished(() => void vi.unstubAllEnvs())
  return used
}

/** A token that expires at this time, in milliseconds since 1970. */
export function accessToken(token: string, expiresMs: number): FakeAnswer {
  return json({
    access_token: token,
    expires_on: String(Math.floor(expiresMs / 1000)),
    resource: 'https://cognitiveservices.azure.com',
    token_type: 'Bearer',
  })
}
