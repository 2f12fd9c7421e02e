import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv } from 'ajv'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import {
  eventually,
  packageFolder,
  programKey,
  type RunningProgram,
  runInProcess,
  startByShell,
  startInProcess,
  startProgram,
} from '../support/built-program.ts'
import { freePort } from '../support/free-port.ts'

const main = join(packageFolder, 'dist/cli/main.js')

/** An extension with which the second worker starts only when there is a file. */
const lateWorker = (file: string): string => `
import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
if (cluster.worker?.id === 2) {
  while (!existsSync('${file}')) await new Promise((resolve) => setTimeout(resolve, 5))
}
export default { name: 'late' }
`

/** Creates a folder that is deleted after the test. */
function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the program in a folder. */
const runIn = (folder: string, ...args: readonly string[]) => runInProcess(args, { folder })

async function chat(url: string, key: string, model: string, resource = '') {
  const response = await fetch(`${url}${resource}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_completion_tokens: 20 }),
  })
  return { status: response.status, region: response.headers.get('x-ms-region'), body: await response.json() }
}

describe('aoai-sim import', () => {
  it('waits for the writer of standard input, and prints a file with which the gateway starts', async () => {
    const folder = tempFolder()
    const variables = 'AZURE_OPENAI_ENDPOINT=http://127.0.0.1:9\nAZURE_OPENAI_API_KEY=service-key\n'
    const command = `cd '${folder}'
printf '${variables}SIMULATOR_API_KEY=client-key\n' > .env
(sleep 0.5; cat .env) | ${process.execPath} ${main} import proxy-env - > aoai-sim.yaml
exec ${process.execPath} ${main} --config aoai-sim.yaml --port 0`
    await using program = await startByShell(command)
    expect(program.stdout()).toContain('runs in forward mode')
    expect(readFileSync(join(folder, 'aoai-sim.yaml'), 'utf8')).not.toMatch(/service-key|client-key/)
    const { status, body } = await chat(program.url, 'client-key', 'gpt-4o')
    expect([status, JSON.stringify(body)]).toEqual([502, expect.stringContaining('UpstreamRefused')])
  })
})

describe('aoai-sim init', () => {
  it('writes a file with which the simulator starts and answers', async () => {
    const folder = tempFolder()
    const { code, stdout } = await runIn(folder, 'init')
    expect([code, stdout]).toEqual([
      0,
      'Wrote aoai-sim.yaml.\n\nStart the simulator with it:\n\n  aoai-sim --config aoai-sim.yaml\n',
    ])
    const command = `cd '${folder}' && exec ${process.execPath} ${main} --config aoai-sim.yaml --port 0`
    await using program = await startByShell(command)
    expect(program.stderr()).not.toContain('"level":"error"')
    expect(program.stdout()).toContain('gpt-5-ptu')
    expect(await chat(program.url, program.key, 'gpt-5-ptu')).toMatchObject({
      status: 200,
      body: { object: 'chat.completion' },
    })
  })

  it('writes a file that the schema accepts, also with all examples', async () => {
    const folder = tempFolder()
    await runIn(folder, 'init', 'my.yml')
    const text = readFileSync(join(folder, 'my.yml'), 'utf8')
    const validate = new Ajv({ strict: false }).compile(
      JSON.parse((await runIn(folder, 'schema')).stdout) as object,
    )
    expect(validate(parse(text))).toBe(true)
    expect(validate(parse(text.replaceAll(/^( *)#(?=[^ ])/gm, '$1')))).toBe(true)
    for (const section of ['settings', 'upstreams', 'deployments', 'resources', 'faults', 'incidents'])
      expect(text).toMatch(new RegExp(`^${section}:`, 'm'))
    expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/aoai-sim\.schema\.json\n/)
  })

  it('names the schema of the installed package', async () => {
    const folder = tempFolder()
    const schema = join(folder, 'node_modules/aoai-simulated-api/schema/aoai-sim.schema.json')
    mkdirSync(dirname(schema), { recursive: true })
    writeFileSync(schema, '{}')
    mkdirSync(join(folder, 'conf'))
    await runIn(folder, 'init', 'conf/sim.yaml')
    expect(readFileSync(join(folder, 'conf/sim.yaml'), 'utf8').split('\n')[0]).toBe(
      '# yaml-language-server: $schema=../node_modules/aoai-simulated-api/schema/aoai-sim.schema.json',
    )
  })

  it('replaces an existing file only with --force', async () => {
    const folder = tempFolder()
    const file = join(folder, 'aoai-sim.yaml')
    writeFileSync(file, 'mine')
    const refused = await runIn(folder, 'init')
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([
      2,
      '',
      'Could not write the configuration file: "aoai-sim.yaml" exists. Choose another name, or replace it with --force.\n',
    ])
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await runIn(folder, 'init', '--force')).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('settings:')
  })

  it.each([
    [['sim.json'], 'the file is YAML, and its name must end with .yaml or .yml (got "sim.json"). Rename it.'],
    [['no/such/sim.yaml'], '"no/such/sim.yaml" cannot be written: ENOENT'],
  ])('refuses %s', async (args, message) => {
    const folder = tempFolder()
    const { code, stderr } = await runIn(folder, 'init', ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(`Could not write the configuration file: ${message}`)
    expect(existsSync(join(folder, args[0] ?? ''))).toBe(false)
  })
})

describe('aoai-sim schema', () => {
  it('prints the published schema', async () => {
    const { code, stdout, stderr } = await runInProcess(['schema'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(readFileSync(join(packageFolder, 'schema/aoai-sim.schema.json'), 'utf8'))
  })
})

describe('a configuration file', () => {
  const config = (limit: number): string => `
settings: { region: West Europe, api_key: { env: MAIN_KEY }, latency: { time_scale: 0 }, watch: true }
deployments: { chat: { model: gpt-4o, tokens_per_minute: 100000 } }
resources:
  acme:
    region: Sweden Central
    keys: [{ env: ACME_KEY }]
    deployments: { chat: { model: gpt-4o-mini, tokens_per_minute: ${limit} } }
`
  const env = { SIMULATOR_API_KEY: '', MAIN_KEY: programKey, ACME_KEY: 'acme-secret-key' }

  it.each([1, 2])('defines the default resource and others, with %i workers', async (workers) => {
    const start = workers === 1 ? startInProcess : startProgram
    await using program = await start({
      args: ['--config', 'aoai-sim.yaml', '--workers', String(workers)],
      env,
      files: { 'aoai-sim.yaml': config(100_000) },
    })
    const { url } = program
    expect(program.stdout()).toContain('(as set in aoai-sim.yaml: settings.api_key)')
    const main = await chat(url, programKey, 'chat')
    expect(main).toMatchObject({ status: 200, region: 'West Europe', body: { model: 'gpt-4o-2024-11-20' } })
    const acme = await chat(url, 'acme-secret-key', 'chat', '/acme')
    expect(acme).toMatchObject({
      status: 200,
      region: 'Sweden Central',
      body: { model: 'gpt-4o-mini-2024-07-18' },
    })
    expect((await chat(url, programKey, 'chat', '/acme')).status).toBe(401)
    expect((await chat(url, 'acme-secret-key', 'chat')).status).toBe(401)
    const shown = await fetch(`${url}/++/resources/acme`, { headers: { 'api-key': programKey } })
    expect(shown.status).toBe(200)
    const { stdout, stderr } = await program.stop()
    for (const text of [await shown.text(), stdout, stderr]) expect(text).not.toContain('acme-secret-key')
  })

  describe('with WATCH and two workers', () => {
    const folder = mkdtempSync(join(tmpdir(), 'aoai-config-'))
    const file = join(folder, 'aoai-sim.yaml')
    let program: RunningProgram
    afterAll(async () => {
      await program[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    })
    const ask = () => chat(program.url, 'acme-secret-key', 'chat', '/acme')

    it('is reloaded if it changes as soon as a worker answers', async () => {
      writeFileSync(file, config(100_000))
      const port = await freePort()
      const starting = startProgram({
        args: ['--config', file, '--workers', '2', '--port', String(port)],
        env: { ...env, EXTENSION_PATH: './late.mjs' },
        files: { 'late.mjs': lateWorker(join(folder, 'go')) },
      })
      await eventually(
        () => fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined),
        (answer) => answer?.status === 200,
      )
      writeFileSync(file, config(100_000).replace('Sweden Central', 'Norway East'))
      writeFileSync(join(folder, 'go'), '')
      program = await starting
      for (let count = 0; count < 10; count++) {
        expect((await eventually(ask, ({ region }) => region === 'Norway East')).region).toBe('Norway East')
      }
    })

    it('is reloaded for all workers', async () => {
      expect((await ask()).status).toBe(200)
      writeFileSync(file, config(1))
      expect((await eventually(ask, ({ status }) => status === 429)).status).toBe(429)
      writeFileSync(file, config(0))
      await eventually(
        async () => program.stderr(),
        (text) => text.includes('Could not reload'),
      )
      expect(program.stderr()).toContain('resources.acme.deployments.chat.tokensPerMinute must be an integer')
      expect((await ask()).status).toBe(429)
    })
  })

  it('prevents the start with all problems and exit code 2', async () => {
    const text = 'settings: { port: -1 }\nresources: { acme: { upstream: east } }\ndeploymnets: {}\n'
    const { code, stdout, stderr } = await runInProcess(['--config', 'bad.yaml'], {
      files: { 'bad.yaml': text },
    })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.split('\n').slice(0, 4)).toEqual([
      'Could not start: 3 problems in the configuration',
      '  bad.yaml: settings.port must be an integer from 0 to 65535 (got -1). Set it to 8000 (the default) or to another valid value.',
      '  bad.yaml: deploymnets is not a section. Did you mean deployments?',
      '  bad.yaml: resources.acme.upstream must name an upstream (got "east"). No upstreams are configured.',
    ])
  })
})
