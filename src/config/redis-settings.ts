import { setting, integer, text, textThat, type ValueKind, yesOrNo } from './setting.ts'

const group = 'Many machines'

/** Settings of the Redis or Valkey through which several simulators are one service. */
export const redisSettings = {
  url: setting(redisAddress(), {
    env: 'REDIS_URL',
    group,
    unsetMeaning: 'no shared state',
    secret: true,
    description:
      'Redis or Valkey that several simulators use to share limits, slots and the journal. rediss:// uses TLS (docs/many-machines.md).',
  }),
  prefix: setting(text(/^[\x21-\x7a\x7c\x7e]{1,100}$/, '1 to 100 visible ASCII characters without braces'), {
    env: 'REDIS_PREFIX',
    group,
    default: 'aoai-sim:',
    description:
      'Prefix of the keys and channels in Redis. Simulators with the same prefix share their state.',
  }),
  required: setting(yesOrNo('true or false'), {
    env: 'REDIS_REQUIRED',
    group,
    default: false,
    description:
      'Fail at start if Redis is not available. After the start, the simulator falls back to its own limits.',
  }),
  timeoutMs: setting(integer(1, 60_000), {
    env: 'REDIS_TIMEOUT_MS',
    group,
    default: 100,
    unit: 'ms',
    description: 'Timeout of a call to Redis, after which the simulator uses its own limits.',
  }),
}

/** What is wrong with these settings together with others; one sentence or two each. */
export function redisProblems({
  clock,
  redis,
}: {
  readonly clock: 'system' | 'virtual'
  readonly redis: { readonly url?: string | undefined; readonly required: boolean }
}): readonly string[] {
  if (redis.url === undefined) {
    return redis.required
      ? ['REDIS_REQUIRED is true and REDIS_URL is not set. Set REDIS_URL, or leave REDIS_REQUIRED out.']
      : []
  }
  return clock === 'virtual'
    ? [
        'REDIS_URL needs the time of the machine (got SIMULATOR_CLOCK virtual): limits in Redis go by its time. Leave one of the two out.',
      ]
    : []
}

/** The address is secret, since it may hold a password. */
function redisAddress(): ValueKind<string> {
  const isAddress = (value: string): boolean =>
    /^rediss?:\/\/[^\s?#/]+(\/\d*)?$/i.test(value) && URL.canParse(value)
  return textThat(isAddress, 'an address such as redis://host:6379 or rediss://user:password@host:6380/0')
}
