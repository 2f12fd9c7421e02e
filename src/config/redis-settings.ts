import { setting, integer, text, textThat, type ValueKind, yesOrNo } from './setting.ts'

const group = 'Many machines'

/** Settings of the Redis or Valkey through which several simulators share their state. */
export const redisSettings = {
  url: setting(redisAddress(), {
    env: 'REDIS_URL',
    group,
    unsetMeaning: 'no shared state',
    secret: true,
    description:
      'Redis or Valkey through which simulators share their state. rediss:// uses TLS (docs/many-machines.md).',
  }),
  prefix: setting(text(/^[\x21-\x7a\x7c\x7e]{1,100}$/, '1 to 100 visible ASCII characters without braces'), {
    env: 'REDIS_PREFIX',
    group,
    default: 'aoai-sim:',
    description: 'Prefix of keys and channels. Simulators with the same prefix share their state.',
  }),
  required: setting(yesOrNo('true or false'), {
    env: 'REDIS_REQUIRED',
    group,
    default: false,
    description: 'Fail at start if Redis is not available.',
  }),
  timeoutMs: setting(integer(1, 60_000), {
    env: 'REDIS_TIMEOUT_MS',
    group,
    default: 100,
    unit: 'ms',
    description: 'Timeout of a call to Redis, after which the simulator uses its own limits.',
  }),
}

/** Validates these settings together with others. Returns problems of one or two sentences each. */
export function redisProblems({
  clock,
  configStore,
  redis,
}: {
  readonly clock: 'system' | 'virtual'
  readonly configStore?: string | undefined
  readonly redis: { readonly url?: string | undefined; readonly required: boolean }
}): readonly string[] {
  if (redis.url === undefined) {
    return redis.required
      ? [
          'REDIS_URL must be set if REDIS_REQUIRED is true (got nothing). Set REDIS_URL, or remove REDIS_REQUIRED.',
        ]
      : []
  }
  return [
    ...(clock === 'virtual'
      ? [
          'REDIS_URL requires the system clock (got SIMULATOR_CLOCK virtual), because limits in Redis use the time of Redis. Remove one of the two.',
        ]
      : []),
    ...(configStore === undefined
      ? []
      : [
          'REDIS_URL and CONFIG_STORE are both set, but changes at run time have one store, and simulators with Redis keep them in Redis. Remove one of the two.',
        ]),
  ]
}

/** The address is secret because it can contain a password. */
function redisAddress(): ValueKind<string> {
  const isAddress = (value: string): boolean =>
    /^rediss?:\/\/[^\s?#/]+(\/\d*)?$/i.test(value) && URL.canParse(value)
  return textThat(isAddress, 'an address such as redis://host:6379 or rediss://user:password@host:6380/0')
}
