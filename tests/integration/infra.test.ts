import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { settingsTable } from '../../src/config/settings-table.ts'
import { createSimulator } from '../../src/index.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { needs, runTool } from '../support/installed-tool.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const bicepFolder = 'infra/container-apps/bicep'
const bicepApp = read(`${bicepFolder}/modules/app.bicep`)
const bicepMain = read(`${bicepFolder}/main.bicep`)
const terraformFolder = 'infra/container-apps/terraform'
const terraformApp = read(`${terraformFolder}/app.tf`)
const terraformMain = read(`${terraformFolder}/main.tf`)
const chart = 'infra/helm/aoai-simulated-api'
const pods = read(`${chart}/templates/deployment.yaml`)
const values = read(`${chart}/values.yaml`)

const settings = new Map(settingsTable().map((setting) => [setting.env, setting]))

/** Names that look like a setting and are not, with the reason. */
const otherNames: ReadonlyArray<{ name: RegExp; reason: string }> = [
  { name: /^DEPLOY_[A-Z_]+$/, reason: 'variables of the deploy scripts, which their --help lists' },
  { name: /^SMOKE_[A-Z_]+$/, reason: 'variables of scripts/smoke-test.sh' },
  { name: /^TLS1_2$/, reason: 'a value of Azure Storage' },
  { name: /^Standard_LRS$/, reason: 'a value of Azure Storage' },
  { name: /^ARM_SUBSCRIPTION_ID$/, reason: 'read by the azurerm provider of Terraform' },
  { name: /^TF_VAR_$/, reason: 'how Terraform takes variables from the environment' },
  { name: /^AZURE_CLIENT_ID$/, reason: 'read by @azure/identity: the identity of the app' },
  { name: /^CAP_[A-Z_]+$/, reason: 'a capability of Linux' },
  { name: /^EAST_KEY$/, reason: 'a variable that a configuration file names' },
]

/** Texts of all shipped files, by path, without files that Terraform generates. */
const shipped = readdirSync(join(root, 'infra'), { recursive: true, encoding: 'utf8' })
  .map((path) => `infra/${path.replaceAll('\\', '/')}`)
  .filter((path) => /^infra\/(container-apps|helm)\/|^infra\/README\.md$/.test(path))
  .filter((path) => /\.(bicep|bicepparam|tf|example|yaml|tpl|json|md|txt)$/.test(path))
  .filter((path) => !path.includes('/.terraform/'))
  .concat(readdirSync(root).filter((name) => /^(docker-)?compose.*\.ya?ml$/.test(name)))
  .map((path) => ({ path, text: read(path) }))

function firstGroup(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1]
  if (found === undefined) throw new Error(`${String(pattern)} is not in the text`)
  return found
}

describe('variables', () => {
  it.each(shipped)('$path names only existing settings', ({ text }) => {
    const names = text.match(/(?<![\w-])[A-Z][A-Z0-9]*_[A-Z0-9_]*(?![\w-])/g) ?? []
    const unknown = names.filter(
      (name) => !settings.has(name) && !otherNames.some((other) => other.name.test(name)),
    )
    expect([...new Set(unknown)]).toEqual([])
  })

  it('are the same in Bicep and Terraform', () => {
    const always = ['AZURE_CLIENT_ID', 'CONFIG_STORE', 'CONFIG_STORE_COPY', 'HOST', 'PORT', 'RECORDING_DIR']
    const inBicep = firstGroup(bicepApp, /var settings = union\(([\s\S]*?)\n\)/)
    const inTerraform = firstGroup(terraformApp, /settings = merge\(([\s\S]*?)\n {2}\)/)
    const names = (text: string): string[] => (text.match(/\b[A-Z][A-Z_]+\b/g) ?? []).sort()
    expect(names(inBicep)).toEqual(always)
    expect(names(inTerraform)).toEqual(always)
    for (const name of always.slice(1)) expect(settings.has(name)).toBe(true)
  })
})

describe('secrets', () => {
  const secrets = [...settings.values()].filter(({ secret }) => secret).map(({ env }) => env)

  it('are exactly the ones that come from a vault or a secret', () => {
    const inBicep = [...bicepMain.matchAll(/variable: '(\w+)'/g)].map(([, name]) => name)
    const inTerraform = [
      ...firstGroup(terraformMain, /secret_names = merge\(([\s\S]*?)\n {2}\)/).matchAll(/(\w+) = "/g),
    ].map(([, name]) => name)
    const inScripts = firstGroup(read('scripts/deploy-common.sh'), /^secret_settings=' ([\w ]+) '$/m).split(
      ' ',
    )
    const expected = new Set(secrets)
    for (const found of [inBicep, inTerraform, inScripts]) expect(new Set(found)).toEqual(expected)
  })

  it('are refused among the plain variables of the chart', () => {
    const schema = JSON.parse(read(`${chart}/values.schema.json`)) as {
      properties: { env: { propertyNames: { not: { enum: string[] } } } }
    }
    expect(schema.properties.env.propertyNames.not.enum.sort()).toEqual([...secrets, 'HOST', 'PORT'].sort())
  })

  it('are marked as secure in Bicep and Terraform', () => {
    const bicep = shipped.filter(({ path }) => path.endsWith('.bicep')).map(({ text }) => text)
    const taken = bicep.flatMap(
      (text) => text.match(/^param (simulatorApiKey|azureOpenAiKey|redisUrl) /gm) ?? [],
    )
    const secure = bicep.flatMap(
      (text) => text.match(/@secure\(\)\nparam (simulatorApiKey|azureOpenAiKey|redisUrl) /g) ?? [],
    )
    expect(taken.length).toBe(6)
    expect(secure.length).toBe(taken.length)
    for (const name of ['simulator_api_key', 'azure_openai_key', 'redis_url']) {
      const block = firstGroup(
        read(`${terraformFolder}/variables.tf`),
        new RegExp(`variable "${name}" \\{([\\s\\S]*?)\\n\\}`),
      )
      expect(block).toContain('sensitive   = true')
    }
  })
})

describe('ports, paths and users', () => {
  it('match the program: the default port, and /healthz and /metrics without a key', async () => {
    await using sim = await createSimulator()
    const health = firstGroup(bicepApp, /healthPath = '(.+)'/)
    expect(firstGroup(terraformApp, /health_path = "(.+)"/)).toBe(health)
    expect(new Set([...pods.matchAll(/path: (\S+)/g)].map(([, path]) => path))).toEqual(new Set([health]))
    const scraped = firstGroup(read(`${chart}/templates/servicemonitor.yaml`), /path: (\S+)/)
    for (const path of [health, scraped]) expect((await sim.fetch(sim.url + path)).status).toBe(200)

    const port = settings.get('PORT')?.default
    expect(firstGroup(bicepApp, /var port = (\d+)/)).toBe(port)
    expect(firstGroup(terraformApp, /port += (\d+)/)).toBe(port)
    expect(firstGroup(pods, /containerPort: (\d+)/)).toBe(port)
    expect(firstGroup(pods, /"PORT" "(\d+)"/)).toBe(port)
  })

  it('use one user id for the image user, the share and the volume', () => {
    const user = firstGroup(bicepApp, /uid=(\d+)/)
    expect(firstGroup(terraformApp, /uid=(\d+)/)).toBe(user)
    expect(firstGroup(values, /runAsUser: (\d+)/)).toBe(user)
    expect(firstGroup(values, /fsGroup: (\d+)/)).toBe(user)
  })

  it.runIf(existsSync(join(root, 'Dockerfile')))('name the user of the Dockerfile', () => {
    const user = firstGroup(values, /runAsUser: (\d+)/)
    expect(read('Dockerfile')).toMatch(new RegExp(`\\b${user}\\b`))
  })

  it('have a grace period that is longer than the one of the program', () => {
    const grace = Number(settings.get('SHUTDOWN_GRACE_SECONDS')?.default)
    const periods = [
      firstGroup(bicepApp, /terminationGracePeriodSeconds: (\d+)/),
      firstGroup(terraformApp, /termination_grace_period_seconds = (\d+)/),
      String(
        Number(firstGroup(values, /terminationGracePeriodSeconds: (\d+)/)) -
          Number(firstGroup(pods, /sleep:\n +seconds: (\d+)/)),
      ),
    ]
    for (const seconds of periods) expect(Number(seconds)).toBeGreaterThan(grace)
  })
})

describe('systemd unit', () => {
  const path = 'infra/systemd/aoai-sim.service'
  const unit = read(path)
  const value = (key: string): string => firstGroup(unit, new RegExp(`^${key}=(.*)$`, 'm'))

  it('sets only existing settings, and starts the program of the package', () => {
    const names = [...value('Environment').matchAll(/(\w+)=/g)].map(([, name = '']) => name)
    expect(names.filter((name) => !settings.has(name))).toEqual(['NODE_ENV'])
    const manifest = JSON.parse(read('package.json')) as { name: string; bin: Record<string, string> }
    expect(value('ExecStart')).toContain(`/node_modules/${manifest.name}/dist/cli/main.js`)
    expect(manifest.bin['aoai-sim']).toBe('./dist/cli/main.js')
  })

  it('writes only below its state folder, as a user without privileges', () => {
    expect(value('DynamicUser')).toBe('yes')
    expect(value('CapabilityBoundingSet')).toBe('')
    expect(value('ProtectSystem')).toBe('strict')
    expect(unit).not.toMatch(/^User=/m)
    const folder = `/var/lib/${value('StateDirectory')}`
    expect(value('WorkingDirectory')).toBe(folder)
    expect(value('Environment')).toContain(`RECORDING_DIR=${folder}/`)
  })

  it('waits longer than the program for open requests, and does not restart after an invalid configuration', () => {
    const grace = Number(settings.get('SHUTDOWN_GRACE_SECONDS')?.default)
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(grace)
    expect(Number(value('RestartPreventExitStatus'))).toBe(new OperatorError('CONFIG_INVALID', '').exitCode)
  })

  const systemd = needs('systemd-analyze')
  it.skipIf(systemd.isMissing)(`is valid for systemd-analyze, which finds it secure${systemd.note}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'))
    const copy = join(folder, 'aoai-sim.service')
    try {
      // The program must exist.
      writeFileSync(copy, unit.replace('ExecStart=/usr/bin/node', `ExecStart=${process.execPath}`))
      expect(runTool('systemd-analyze', ['verify', '--man=no', copy])).toMatchObject({
        status: 0,
        stderr: '',
      })
      // In tenths, of 10.0 for a unit without any protection.
      const security = runTool('systemd-analyze', ['security', '--offline=true', '--threshold=20', copy])
      expect(security.status).toBe(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('compose.gateway.yaml', () => {
  it('mounts the configuration file that SIMULATOR_CONFIG names, and requires a key', () => {
    const { services } = parse(read('infra/compose.gateway.yaml')) as {
      services: { simulator: { environment: Record<string, string>; volumes: { target: string }[] } }
    }
    const { environment, volumes } = services.simulator
    expect(volumes.map(({ target }) => target)).toContain(environment['SIMULATOR_CONFIG'])
    expect(Object.keys(environment).filter((name) => !settings.has(name))).toEqual([])
    expect(environment['SIMULATOR_API_KEY']).toMatch(/^\$\{SIMULATOR_API_KEY:\?/)
  })
})

describe('scripts/README.md', () => {
  it('has a line for each script', () => {
    const scripts = readdirSync(join(root, 'scripts')).filter((file) => /\.(sh|mjs|ts)$/.test(file))
    const named = [...read('scripts/README.md').matchAll(/^\| \[(.+?)\]/gm)].map(([, name = '']) => name)
    expect(new Set(scripts)).toEqual(new Set(named))
  })
})
