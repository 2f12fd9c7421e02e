import { setting } from './setting.ts'
import { integer, text, textThat, type ValueKind } from './value-kind.ts'

const group = 'Recordings'

/** Settings of the service that requests are forwarded to. */
export const upstreamSettings = {
  endpoint: setting(webAddress(), {
    env: 'AZURE_OPENAI_ENDPOINT',
    group,
    mayHoldSecret: true,
    unsetMeaning: 'none; record and forward need it',
    description: 'Address of the real service: https://my-resource.openai.azure.com.',
  }),
  key: setting(text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces'), {
    env: 'AZURE_OPENAI_KEY',
    group,
    unsetMeaning: 'none; record and forward need it',
    secret: true,
    description: 'Key of the real service, sent instead of the key of the client.',
  }),
  connectTimeoutMs: timeout('CONNECT', 10_000, 'Timeout to connect to the real service, including TLS.'),
  // A reasoning model thinks for minutes before the first byte; ten minutes is where the official clients give up.
  firstByteTimeoutMs: timeout('FIRST_BYTE', 600_000, 'Timeout until the first byte of the answer.'),
  idleTimeoutMs: timeout('IDLE', 120_000, 'Timeout for a pause within the answer.'),
  totalTimeoutMs: timeout('TOTAL', 1_800_000, 'Timeout for a whole forwarded request, including retries.'),
  connections: setting(integer(1, 65_535), {
    env: 'UPSTREAM_CONNECTIONS',
    group,
    default: 512,
    description: 'Maximum number of connections to the real service. Further requests wait.',
  }),
  retries: setting(integer(0, 20), {
    env: 'UPSTREAM_RETRIES',
    group,
    default: 0,
    description:
      'Maximum number of retries after 408, 429, 5xx or a failed connection, as retry-after says (docs/recording.md).',
  }),
}

function timeout(which: string, defaultMs: number, description: string) {
  return setting(integer(1, 86_400_000), {
    env: `UPSTREAM_${which}_TIMEOUT_MS`,
    group,
    default: defaultMs,
    unit: 'ms',
    description,
  })
}

/** A key has its own setting: one in an address would get into logs and recordings. */
function webAddress(): ValueKind<string> {
  const isAddress = (value: string): boolean => {
    if (!/^https?:\/\/[^\s?#@]+$/i.test(value)) return false
    return URL.canParse(value)
  }
  return textThat(isAddress, 'an http or https address without a query or a password')
}
