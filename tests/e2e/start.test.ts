import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  packageFolder,
  programKey,
  type RunningProgram,
  runInProcess,
  runProgram,
  startByShell,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'
import { needs } from '../support/installed-tool.ts'

const runFile = promisify(execFile)

const { isMissing, note } = needs('curl')

/** The lines after "Try it:", as a newcomer pastes them into a shell. */
function pastedCurl(stdout: string): string {
  return stdout.slice(stdout.indexOf('Try it:') + 'Try it:'.length)
}

/** Runs with a generated key. */
let keyed: RunningProgram
beforeAll(async () => {
  keyed = await startProgram({ env: { SIMULATOR_API_KEY: '' } })
})
afterAll(() => keyed.stop())

describe('the banner', () => {
  it('shows the endpoint, the mode, the deployments, the metrics and the full generated key', async () => {
    const program = keyed
    expect(program.key).toMatch(/^[0-9a-f]{32}$/)
    expect(program.stdout()).toContain('aoai-simulated-api runs in generate mode.')
    expect(program.stdout()).toMatch(/Endpoint +http:\/\/127\.0\.0\.1:\d+\n/)
    expect(program.stdout()).toContain(`Metrics      ${program.url}/metrics`)
    expect(program.stdout()).toMatch(/Deployments  gpt-4o +450K TPM, 2,700 RPM, no latency\n/)
    expect(program.stdout()).toContain('and any other name, without limits')
    expect(program.stderr()).toBe('')
  })

  it.skipIf(isMissing)(`has a curl command that works unchanged with a generated key${note}`, async () => {
    const program = keyed
    const { stdout } = await runFile('bash', [
      '-c',
      `curl() { command curl -sf "$@"; }
${pastedCurl(program.stdout())}`,
    ])
    expect(JSON.parse(stdout)).toMatchObject({ object: 'chat.completion', usage: { completion_tokens: 20 } })
  })

  const withSameKey =
    'never prints a key that was set, and has a curl that works where the same variable is set'
  it.skipIf(isMissing)(`${withSameKey}${note}`, async () => {
    await using program = await startProgram()
    const { stdout } = await runFile(
      'bash',
      [
        '-c',
        `curl() { command curl -sf "$@"; }
${pastedCurl(program.stdout())}`,
      ],
      {
        env: { ...process.env, SIMULATOR_API_KEY: programKey },
      },
    )
    expect(JSON.parse(stdout)).toMatchObject({ object: 'chat.completion' })
    await expect(runFile('bash', ['-c', pastedCurl(program.stdout())])).rejects.toThrow(
      /SIMULATOR_API_KEY: set it to the key/,
    )
    expect(program.stdout()).toContain('(as set in SIMULATOR_API_KEY)')
    const { stdout: printed, stderr } = await program.stop()
    expect(printed + stderr).not.toContain(programKey)
  })

  it('lists the deployments of the file with their models', async () => {
    await using program = await startInProcess({
      deployments: { 'my chat': { model: 'gpt-4o' }, 'gpt-4.1': { model: 'gpt-4.1' } },
      env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' },
    })
    expect(program.stdout()).toContain(
      'Deployments  my chat (gpt-4o)  no limits, no latency\n               gpt-4.1           no limits, no latency\n\n',
    )
    expect(program.stdout()).toContain('"model":"my chat"')
  })
})

describe('the pages of the simulator itself', () => {
  it('answers /, /healthz and /metrics without a key', async () => {
    const program = keyed
    const get = async (path: string): Promise<Response> => fetch(program.url + path)
    expect(await (await get('/')).text()).toContain('aoai-simulated-api is running.')
    const health = await get('/healthz')
    expect(health.status).toBe(200)
    expect(await health.json()).toMatchObject({ status: 'ok', mode: 'generate' })
    expect(await (await get('/metrics')).text()).toMatch(/^aoai_requests_in_flight 0$/m)
  })
})

describe('the command line', () => {
  it('prints the version of the package', async () => {
    const { code, stdout } = await runProgram(['--version'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('explains every flag with its variable and its default', async () => {
    const { code, stdout, stderr } = await runInProcess(['--help'])
    expect(code).toBe(0)
    expect(stderr).toBe('')
    const help = stdout.replace(/\s+/g, ' ')
    expect(help).toContain('Usage: aoai-sim [options]')
    expect(help).toMatch(/--port <value> .+?\(PORT; default 8000\)/)
    expect(help).toMatch(/--api-key <value> .+?\(SIMULATOR_API_KEY; 32 random characters/)
  })

  it.each([['--prot', '9000'], ['extra']])(
    'refuses %s with exit code 2 and points to the help',
    async (...args) => {
      const { code, stdout, stderr } = await runInProcess(args)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('error: ')
      expect(stderr).toContain('aoai-sim --help')
      expect(stderr).not.toMatch(/^ +at /m)
    },
  )

  it('lists all problems of a configuration, exits with code 2 and shows no stack', async () => {
    const { code, stdout, stderr } = await runInProcess(['--port', '70000'], {
      env: {
        SIMULATOR_MODE: 'generat',
        SIMULATOR_API_KYE: 'x',
        LATENCY_TIME_SCALE: '-1',
        MODELS_STRICT: 'true',
      },
      deployments: { broken: { model: 'gpt-99', tokensPerMinute: -5 } },
    })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^Could not start: 6 problems in the configuration\n/)
    for (const name of [
      '--port must be an integer from 0 to 65535 (got "70000")',
      'SIMULATOR_MODE must be generate, record, replay or forward (got "generat")',
      'LATENCY_TIME_SCALE must be a number of at least 0 (got "-1")',
      'SIMULATOR_API_KYE is not a setting. Did you mean SIMULATOR_API_KEY?',
      'deployments.json: "broken".model',
      'deployments.json: "broken".tokensPerMinute must be an integer of at least 1 (got -5)',
    ]) {
      expect(stderr).toContain(name)
    }
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('does not start record mode without an upstream, and names the missing settings', async () => {
    const { code, stdout, stderr } = await runInProcess([], { env: { SIMULATOR_MODE: 'record' } })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('AZURE_OPENAI_ENDPOINT')
    expect(stderr).toContain('AZURE_OPENAI_KEY')
  })

  it('never prints an invalid secret', async () => {
    const { code, stderr } = await runInProcess([], { env: { SIMULATOR_API_KEY: 'not allowed' } })
    expect(code).toBe(2)
    expect(stderr).toContain('(got [redacted])')
    expect(stderr).not.toContain('not allowed')
  })

  it('exits with code 1 and says what to do if the port is in use', async () => {
    const { code, stdout, stderr } = await runProgram(['--port', String(keyed.port)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(
      `Could not listen on 127.0.0.1:${keyed.port}: another program uses port ${keyed.port}.`,
    )
    expect(stderr).toContain('choose another port with --port')
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('reads .env of the working directory, and variables take precedence', async () => {
    const files = { '.env': 'SIMULATOR_API_KEY=from-the-file\nSIMULATOR_REGION=Nowhere\n' }
    await using program = await startInProcess({
      files,
      env: { SIMULATOR_API_KEY: '', SIMULATOR_REGION: 'West Europe' },
    })
    const response = await fetch(`${program.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'api-key': 'from-the-file' },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }),
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-ms-region')).toBe('West Europe')
    expect(program.stdout()).not.toContain('from-the-file')
  })
})

describe('the limit of open files', () => {
  const underLimit = (files: number, ...args: readonly string[]) =>
    runFile(
      'bash',
      ['--norc', '-c', `ulimit -n ${files}; exec node dist/cli/main.js "$@"`, 'bash', ...args],
      {
        cwd: packageFolder,
      },
    )

  it.each([
    [32, '--version'],
    [64, '--port=0'],
    [128, '--help'],
    [192, '--workers=2'],
    [255, 'recordings'],
  ])('of %i is too few, which one line says (%s)', async (files, arg) => {
    await expect(underLimit(files, arg)).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(
          `^Could not start: the limit of open files must be at least 256 \\(got ${files}\\)\\. .+\n$`,
        ),
      ),
    })
  })

  it('is enough for the help from 256 on', async () => {
    const { stdout, stderr } = await underLimit(256, '--help')
    expect({ stdout, stderr }).toEqual({ stdout: expect.stringContaining('Usage: aoai-sim'), stderr: '' })
  })

  it.each(['', '--workers 2'])('is enough to serve from 256 on (%s)', async (args) => {
    await using program = await startByShell(`ulimit -n 256; exec node dist/cli/main.js --port 0 ${args}`)
    const response = await fetch(`${program.url}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { 'api-key': program.key },
      body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }),
    })
    expect(response.status).toBe(200)
    expect(program.stderr()).toBe('')
  })
})
