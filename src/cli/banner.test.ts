import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { cassette, cassetteItem, recordingFolder } from '../../tests/support/recording-folder.ts'
import { createTestSimulator, type TestSettings } from '../../tests/support/test-simulator.ts'
import { type BannerOptions, mayShowKey, renderBanner, inPieces, shellWord } from './banner.ts'

const url = 'http://127.0.0.1:8000'

const bannerOf = (settings: TestSettings = {}, options: Partial<BannerOptions> = {}): Promise<string> => {
  const { simulator } = createTestSimulator(settings)
  return renderBanner({ simulator, url, workers: 1, showsKey: false, workingDirectory: '/', ...options })
}

/** Arguments of the example's curl command, as a shell passes them. */
const wordsOf = (banner: string, env: Record<string, string> = {}): string[] => {
  const script = `curl() { printf '%s\\0' "$@"; }\n${banner.slice(banner.indexOf('Try it:') + 7)}`
  return execFileSync('bash', ['-c', script], { env: { PATH: '/usr/bin:/bin', ...env }, encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)
}

const recorded = (path: string, body: string, dirEnv: Record<string, string> = {}): TestSettings => {
  const dir = recordingFolder({ 'a.yaml': cassette(cassetteItem(body, '{}', path)) })
  return { env: { SIMULATOR_MODE: 'replay', RECORDING_DIR: dir, ...dirEnv } }
}
const recording = { SIMULATOR_MODE: 'record', AZURE_OPENAI_KEY: 'secret-key-of-upstream' }

describe('banner', () => {
  it.each([
    ['the default deployments', {}, { workers: 4 }],
    [
      'many deployments of long names',
      {
        deployments: Object.fromEntries(
          Array.from({ length: 40 }, (_, index) => [
            `${index}-${'long'.repeat(20)}`,
            { model: 'gpt-4o', tokensPerMinute: 123_456_789, requestsPerMinute: 987_654 },
          ]),
        ),
        env: { LATENCY_TIME_SCALE: '1', LATENCY_PROFILE: 'auto' },
      },
      {},
    ],
    ['record', { env: { ...recording, AZURE_OPENAI_ENDPOINT: 'https://my-resource.openai.azure.com' } }, {}],
  ])('fits into 24 lines of 80 columns: %s', async (_, settings: TestSettings, options) => {
    const lines = (await bannerOf(settings, options)).split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('has the address of the control room, and one line for keys that are the same', async () => {
    const banner = await bannerOf({})
    expect(banner).toContain(`Control room ${url}/++/\n`)
    expect(banner).toMatch(/API key +\S+.* \(also the admin key\)\n/)
    expect(banner).not.toContain('Admin key')
    const other = await bannerOf({ env: { ADMIN_API_KEY: 'admin-secret' } })
    expect(other).toContain('Admin key    (as set in ADMIN_API_KEY)\n')
    expect(other).not.toMatch(/admin-secret|also the admin key/)
  })

  it('names the resources other than the default one', async () => {
    const names = ['acme', 'beta', 'gamma', 'delta']
    const banner = await bannerOf({ resources: Object.fromEntries(names.map((name) => [name, {}])) })
    expect(banner).toContain('Resources    /acme/openai/...\n               /beta/openai/...\n')
    expect(banner).toContain('and 1 more')
    expect(await bannerOf({})).not.toContain('Resources')
  })

  it('fits into 24 lines of 80 columns with a long recorded request', async () => {
    const path = `/openai/deployments/${'d'.repeat(60)}/chat/completions?api-version=2024-10-21`
    const lines = (await bannerOf(recorded(path, '{"a":"b"}'), { workingDirectory: '/tmp' })).split('\n')
    expect(lines.length).toBeLessThanOrEqual(24)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('lists deployments with limits and latency, and the number of further ones', async () => {
    const banner = await bannerOf({
      deployments: {
        chat: {
          model: 'gpt-4o',
          tokensPerMinute: 60_000,
          requestsPerMinute: 1_234,
          latency: { firstToken: 400, perToken: 25 },
        },
        ptu: { model: 'gpt-4o', provisionedThroughputUnits: 15, latency: { profile: 'gpt-4o' } },
        vectors: { model: 'text-embedding-3-small' },
        ...Object.fromEntries(
          Array.from({ length: 5 }, (_, index) => [`more-${index}`, { model: 'gpt-4o' }]),
        ),
      },
      env: { LATENCY_TIME_SCALE: '1', ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    })
    expect(banner).toMatch(/chat \(gpt-4o\) +60K TPM, 1,234 RPM, 400 ms \+ 25 ms\/token\n/)
    expect(banner).toMatch(/ptu \(gpt-4o\) +15 PTU, \d+ ms \+ [\d.]+ ms\/token\n/)
    expect(banner).toMatch(/vectors +no limits, 100 ms\n/)
    expect(banner).toContain('and 3 more: GET /++/deployments\n')
    expect(banner).not.toContain('any other name')
  })

  it('shows the upstream and the folder in record mode, with a request for the models of the upstream', async () => {
    const env = {
      ...recording,
      AZURE_OPENAI_ENDPOINT: 'https://my.openai.azure.com',
      RECORDING_DIR: '/tmp/x/fixtures',
    }
    const banner = await bannerOf({ env }, { workingDirectory: '/tmp/x' })
    expect(banner).toContain(
      '  Upstream     https://my.openai.azure.com\n  Recordings   fixtures (written immediately)\n',
    )
    expect(banner).not.toMatch(/Deployments|secret-key-of-upstream/)
    expect(wordsOf(banner, { SIMULATOR_API_KEY: 'k' })).toEqual([
      `${url}/openai/models?api-version=2024-10-21`,
      '-H',
      'api-key: k',
    ])
    const other = await bannerOf({ env: { ...env, AZURE_OPENAI_ENDPOINT: 'https://api.openai.com' } })
    expect(other).toContain(`${url}/v1/models`)
  })

  it('shows the recordings and the answer to a miss in replay mode, with a recorded request', async () => {
    const path = '/openai/deployments/chat/chat/completions?api-version=2024-10-21'
    const body = `{"messages":[{"role":"user","content":"It is $HOME \`x\` ${'long '.repeat(20)}"}]}`
    const banner = await bannerOf(recorded(path, body))
    expect(banner).toMatch(
      /Recordings {3}1 request in 1 file of tmp\/\S+\n {2}On a miss {4}404 with the nearest recording/,
    )
    expect(banner).not.toContain('Deployments')
    const words = wordsOf(banner, { SIMULATOR_API_KEY: 'k' })
    expect(words).toContain(`${url}${path}`)
    expect(words.at(-1)).toBe(body)
    expect(await bannerOf(recorded(path, body, { REPLAY_ON_MISS: 'generate' }))).toContain(
      'a generated answer',
    )
  })

  it('shows the upstream and no folder in forward mode', async () => {
    const env = {
      ...recording,
      SIMULATOR_MODE: 'forward',
      AZURE_OPENAI_ENDPOINT: 'https://my.openai.azure.com',
    }
    const banner = await bannerOf({ env })
    expect(banner).toContain('runs in forward mode.')
    expect(banner).toContain('  Upstream     https://my.openai.azure.com\n')
    expect(banner).not.toMatch(/Deployments|Recordings|secret-key-of-upstream/)
    expect(banner).toContain(`${url}/openai/models?api-version=2024-10-21`)
  })

  it('shows the source of each deployment, in 24 lines with all four sources', async () => {
    const dir = recordingFolder({})
    const banner = await bannerOf(
      {
        deployments: {
          real: { model: 'gpt-4o', source: 'forward', tokensPerMinute: 20_000 },
          fresh: { model: 'gpt-4o', source: 'record' },
          fixtures: { model: 'gpt-4o', source: 'replay' },
          made: { model: 'gpt-4o-mini' },
        },
        env: {
          AZURE_OPENAI_ENDPOINT: 'https://my.openai.azure.com',
          AZURE_OPENAI_KEY: 'secret-key-of-upstream',
          RECORDING_DIR: dir,
        },
      },
      { workers: 2 },
    )
    expect(banner).toMatch(/real \(gpt-4o\) +20K TPM, forwarded\n/)
    expect(banner).toMatch(/fresh \(gpt-4o\) +no limits, recorded\n/)
    expect(banner).toMatch(/fixtures \(gpt-4o\) +no limits, replayed\n/)
    expect(banner).toContain('Upstream     https://my.openai.azure.com')
    expect(banner).toContain('"model":"made"')
    expect(banner.split('\n').length).toBeLessThanOrEqual(24)
  })

  it('shows a configured key only if allowed, and otherwise uses the variable', async () => {
    const hidden = await bannerOf()
    expect(hidden).not.toContain('test-key')
    expect(() => wordsOf(hidden)).toThrow(/SIMULATOR_API_KEY: set it to the key/)
    expect(wordsOf(hidden, { SIMULATOR_API_KEY: 'mine' })).toContain('api-key: mine')
    const shown = await bannerOf({ env: { SIMULATOR_API_KEY: "it's$me" } }, { showsKey: true })
    expect(wordsOf(shown)).toContain("api-key: it's$me")
  })
})

describe('configured key', () => {
  const stdout = (isTTY?: boolean) => ({ stdout: { write: () => {}, isTTY } })
  it('is shown on a terminal only, and not in a container', () => {
    const ids = { pid: 200, ppid: 100 }
    expect(mayShowKey(stdout(true), ids as typeof process)).toBe(true)
    expect(mayShowKey(stdout(), ids as typeof process)).toBe(false)
    expect(mayShowKey(stdout(true), { pid: 1, ppid: 0 } as typeof process)).toBe(false)
    expect(mayShowKey(stdout(true), { pid: 7, ppid: 1 } as typeof process)).toBe(false)
  })
})

describe('word of the shell', () => {
  it.each(['', "it's", '$HOME `x` "y" \\', 'ä'.repeat(50), '😀'.repeat(50), "'".repeat(30)])(
    'is passed unchanged: %j',
    (text) => {
      const script = `printf %s ${shellWord(text)}; echo; printf %s ${inPieces(text, 7)}`
      expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe(`${text}\n${text}`)
    },
  )
})
