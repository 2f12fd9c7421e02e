import { describe, expect, it } from 'vitest'
import { OperatorError } from '../lib/operator-error.ts'
import { loadConfig, loadLiveConfig } from './live-config.ts'
import { settingsTable } from './settings-table.ts'
import type { ConfigSources } from './sources.ts'

interface Given {
  flags?: ConfigSources['flags']
  env?: ConfigSources['env']
  files?: Record<string, string>
}

const load = ({ flags = {}, env = {}, files = {} }: Given = {}) =>
  loadConfig({
    flags,
    env,
    workingDirectory: '/work',
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
      return text
    },
  })

const warningsOf = (env: Record<string, string>, envFile = ''): readonly string[] =>
  loadLiveConfig({ flags: {}, env, workingDirectory: '/work', readFile: () => envFile }).warnings

const problemsOf = (given: Given): string => {
  try {
    load(given)
  } catch (error) {
    if (error instanceof OperatorError) return error.message
    throw error
  }
  return ''
}

describe('loadConfig', () => {
  it('needs no settings', () => {
    expect(load().defaultResource).toMatchObject({
      mode: 'generate',
      seed: undefined,
      region: 'East US 2',
      host: '127.0.0.1',
      port: 8000,
      logLevel: 'info',
      allowUndefinedDeployments: true,
      completionLength: 'exact',
      apiVersionCheck: true,
      encryptedContentCheck: true,
      latency: {
        timeScale: 1,
        chatCompletions: { perToken: { meanMs: 19, stdDevMs: 6 }, firstToken: { meanMs: 0, stdDevMs: 0 } },
        completions: { perToken: { meanMs: 15, stdDevMs: 2 } },
        embeddings: { meanMs: 100, stdDevMs: 30 },
        translations: { meanMs: 15_000, stdDevMs: 1_000 },
      },
    })
  })

  it('prefers the flag to the variable, the variable to .env, and .env to the default', () => {
    const files = { '/work/.env': 'PORT=1\nHOST=file\nSIMULATOR_REGION="West Europe"\n' }
    const config = load({ flags: { '--port': '3' }, env: { PORT: '2', HOST: 'variable' }, files })
    expect(config.defaultResource).toMatchObject({
      port: 3,
      host: 'variable',
      region: 'West Europe',
      logLevel: 'info',
    })
  })

  it('reads a .env file that starts with a byte order mark', () => {
    expect(load({ files: { '/work/.env': '\uFEFFPORT=1' } }).port).toBe(1)
  })

  it('treats an empty variable as unset', () => {
    const config = load({
      env: { PORT: '', SIMULATOR_API_KEY: '' },
      files: { '/work/.env': 'HOST=\nPORT=7' },
    })
    expect(config.defaultResource).toMatchObject({ port: 7, host: '127.0.0.1', apiKeyGenerated: true })
  })

  it.each(['True', 'true', '1', 'yes'])('reads %s as yes', (value) => {
    expect(
      load({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: value } }).defaultResource.allowUndefinedDeployments,
    ).toBe(true)
  })

  it.each(['False', 'false', '0', 'no'])('reads %s as no', (value) => {
    expect(
      load({ env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: value } }).defaultResource.allowUndefinedDeployments,
    ).toBe(false)
  })

  it.each([
    ['DEBUG', 'debug'],
    ['Warning', 'warn'],
    ['CRITICAL', 'error'],
  ])('accepts the Python log level %s', (value, level) => {
    expect(load({ env: { LOG_LEVEL: value } }).logLevel).toBe(level)
  })

  it('generates a key of 32 characters if none is set', () => {
    const [first, second] = [load(), load()]
    expect(first.defaultResource.apiKey).toMatch(/^[0-9a-f]{32}$/)
    expect(first.defaultResource.apiKey).not.toBe(second.defaultResource.apiKey)
    expect(first.defaultResource.apiKeyGenerated).toBe(true)
    expect(load({ env: { SIMULATOR_API_KEY: 'mine' } }).defaultResource).toMatchObject({
      apiKey: 'mine',
      apiKeyGenerated: false,
    })
  })

  it('freezes the result deeply', () => {
    const config = load()
    expect(Object.isFrozen(config.defaultResource.latency.chatCompletions.perToken)).toBe(true)
    expect(Object.isFrozen(config.defaultResource.deployments.get('whisper'))).toBe(true)
    const deployments = config.defaultResource.deployments as Map<string, unknown>
    expect(() => deployments.delete('whisper')).toThrow('frozen')
    expect(() => deployments.set('whisper', {})).toThrow('frozen')
    expect(() => deployments.clear()).toThrow('frozen')
  })

  it('supports structured cloning, so that it can be sent to a worker', () => {
    expect(structuredClone(load()).defaultResource.deployments.get('gpt-4o')?.model.name).toBe('gpt-4o')
  })

  it('reports all problems with the names of their flags and variables', () => {
    const message = problemsOf({
      flags: { '--port': 'abc' },
      env: { LATENCY_TIME_SCALE: 'Infinity', OPENAI_DEPLOYMENT_CONFIG_PATH: 'missing.yaml' },
      files: { '/work/.env': 'SHUTDOWN_GRACE_SECONDS=1.5' },
    })
    expect(message.split('\n')).toEqual([
      'Could not start: 4 problems in the configuration',
      '  --port must be an integer from 0 to 65535 (got "abc"). Set it to 8000 (the default) or to another valid value.',
      '  SHUTDOWN_GRACE_SECONDS (in .env) must be an integer from 0 to 3600 (got "1.5"). Set it to 30 (the default) or to another valid value.',
      '  LATENCY_TIME_SCALE must be a number of at least 0 (got "Infinity"). Set it to 1 (the default) or to another valid value.',
      '  OPENAI_DEPLOYMENT_CONFIG_PATH names a file that cannot be read: ENOENT: /work/missing.yaml. Set it to the path of the deployment file.',
    ])
  })

  it.each(['-1', '65536', '0x50', '1_000', ' ', '8000.5', 'NaN'])('rejects %j as a port', (value) => {
    expect(problemsOf({ env: { PORT: value } })).toContain('PORT must be an integer from 0 to 65535')
  })

  it.each(
    settingsTable()
      .map(({ env }) => env)
      .filter((env) => env.startsWith('LATENCY_') && env !== 'LATENCY_PROFILE'),
  )('refuses a negative %s', (env) => {
    expect(problemsOf({ env: { [env]: '-0.1' } })).toContain(
      `${env} must be a number of at least 0 (got "-0.1")`,
    )
  })

  it('rejects an unknown latency profile', () => {
    expect(problemsOf({ env: { LATENCY_PROFILE: 'gpt-9' } })).toMatch(
      /LATENCY_PROFILE must be off, auto, gpt-35-turbo, .* or embeddings \(got "gpt-9"\)/,
    )
  })

  it('reports an unknown SIMULATOR_ variable with the nearest known name, in .env too', () => {
    const message = problemsOf({ env: { SIMULATOR_MOD: 'x' }, files: { '/work/.env': 'SIMULATOR_SEDE=1' } })
    expect(message).toContain('SIMULATOR_MOD is not a setting. Did you mean SIMULATOR_MODE?')
    expect(message).toContain('SIMULATOR_SEDE (in .env) is not a setting. Did you mean SIMULATOR_SEED?')
  })

  it('ignores the variables that Kubernetes sets for a service named simulator', () => {
    const links = {
      SIMULATOR_SERVICE_HOST: '10.0.0.1',
      SIMULATOR_SERVICE_PORT_HTTP: '80',
      SIMULATOR_PORT: 'tcp://10.0.0.1:80',
      SIMULATOR_PORT_80_TCP_ADDR: '10.0.0.1',
    }
    expect(problemsOf({ env: links })).toBe('')
    expect(problemsOf({ env: { SIMULATOR_PORT: '80' } })).toContain('SIMULATOR_PORT is not a setting')
  })

  it('never shows a secret, in a problem or when it is printed', () => {
    expect(problemsOf({ env: { SIMULATOR_API_KEY: 'hush hush' } })).toMatch(
      /^(?!.*hush).*\(got \[redacted\]\)/s,
    )
  })

  it.each([
    ['AZURE_OPENAI_ENDPOINT', 'https://u:hush@h/'],
    ['AZURE_OPENAI_ENDPOINT', 'https://h/?api-key=hush'],
    ['AZURE_OPENAI_ENDPOINT', 'u:hush@h'],
    ['AZURE_OPENAI_KEY', 'hush hush'],
    ['REDIS_URL', 'redis://u:hush@h/x'],
    ['RECORDING_REDACT', '"hush" /(/'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://u:hush@h?x'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'hush'],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'hush'],
    ['PORT', 'https://h/?sig=hush'],
    ['LOG_LEVEL', 'Bearer hush123'],
  ])('does not quote an invalid %s that can contain a secret: %s', (env, value) => {
    const message = problemsOf({ env: { [env]: value } })
    expect(message).toContain(`${env} must be`)
    expect(message).not.toContain('hush')
    expect(problemsOf({ files: { '/work/.env': `${env}='${value}'` } })).not.toContain('hush')
  })

  it('does not quote keys in an invalid deployment file', () => {
    for (const text of [
      '{"chat": {"model": "gpt-4o", "apiKey": "hush"}}',
      '{"chat": {"model": {"api_key": "hush"}}}',
      '{"chat": {"model": "https://h/?code=hush"}}',
      '{"chat": [{"password": "hush"}]}',
      'api_key: hush',
    ]) {
      const env = { OPENAI_DEPLOYMENT_CONFIG_PATH: 'a.json', MODELS_STRICT: 'true' }
      const message = problemsOf({ env, files: { '/work/a.json': text } })
      expect([text, message]).not.toEqual([text, ''])
      expect(message).not.toContain('"hush')
    }
  })

  it('reads the deployment file relative to the working directory', () => {
    const config = load({
      env: { OPENAI_DEPLOYMENT_CONFIG_PATH: 'my/deployments.json' },
      files: { '/work/my/deployments.json': '{"chat": {"model": "gpt-4o", "tokensPerMinute": 5}}' },
    })
    expect([...config.defaultResource.deployments.keys()]).toEqual(['chat'])
  })
})

describe('name similar to that of a setting', () => {
  it.each([
    ['PROT', 'PORT'],
    ['HSOT', 'HOST'],
    ['WROKERS', 'WORKERS'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['LATENCY_PROFIL', 'LATENCY_PROFILE'],
    ['RECORDINGS_DIR', 'RECORDING_DIR'],
    ['RECORDING_DIRS', 'RECORDING_DIR'],
    ['OPENAI_DEPLOYMENTS_CONFIG_PATH', 'OPENAI_DEPLOYMENT_CONFIG_PATH'],
    ['JOURNAL_SIEZ', 'JOURNAL_SIZE'],
    ['AZURE_OPENAI_ENDPIONT', 'AZURE_OPENAI_ENDPOINT'],
  ])('%s causes a warning', (name, meant) => {
    const sentence = `is not a setting and has no effect. Did you mean ${meant}?`
    expect(warningsOf({ [name]: '1' })).toEqual([`${name} ${sentence}`])
    expect(warningsOf({}, `${name}=1`)).toEqual([`${name} (in .env) ${sentence}`])
  })

  it.each([
    'PATH',
    'PORTS',
    'POST',
    'PORTAL',
    'HOSTS',
    'HOSTNAME',
    'SHOST',
    'MATCH',
    'WORKER',
    'LOGNAME',
    'REDIS_URI',
    'REDIS_HOST',
    'DEFAULTS_PATH',
    'MANDATORY_PATH',
    'JOURNAL_STREAM',
    'OTEL_LOGS_EXPORTER',
    'OTEL_TRACES_SAMPLER',
    'AZURE_OPENAI_API_KEY',
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    'AZURE_OPENAI_DEPLOYMENT',
    'PORT_8000_TCP',
  ])('%s causes no warning', (name) => {
    expect(warningsOf({ [name]: '1' })).toEqual([])
  })

  it('causes no warning if the setting itself is set, or without a value', () => {
    expect(warningsOf({ PROT: '1', PORT: '2' })).toEqual([])
    expect(warningsOf({ PROT: '' })).toEqual([])
  })
})
