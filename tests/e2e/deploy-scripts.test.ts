import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { packageFolder, type RunningProgram, startInProcess } from '../support/built-program.ts'
import { FakeTools } from '../support/fake-tools.ts'
import { needs, runTool } from '../support/installed-tool.ts'

const curl = needs('curl')
const shellcheck = needs('shellcheck')
const deployScripts = ['deploy-aca.sh', 'deploy-aca-terraform.sh', 'deploy-aks.sh']

/** Each with characters that JSON, a shell, or curl's own files give a meaning to. */
const secrets = {
  SIMULATOR_API_KEY: String.raw`s3cret"key\with$(touch-pwned)`,
  AZURE_OPENAI_KEY: 'upstream-key-0123456789',
  REDIS_URL: 'rediss://:redis-password@cache.example.com:6380',
}

const envFile = `DEPLOY_RESOURCE_GROUP=sim-group
DEPLOY_LOCATION="swedencentral" # with a comment
DEPLOY_AKS_CLUSTER=sim-cluster
DEPLOY_REGISTRY=aoaisimregistry
SIMULATOR_MODE=generate
SIMULATOR_API_KEY='${secrets.SIMULATOR_API_KEY}'
LOG_LEVEL=warn
HOST=127.0.0.1
RECORDING_DIR=recordings
EVIL=$(touch pwned)
EVIL_TOO=\`touch pwned\`
`

let program: RunningProgram
beforeAll(async () => {
  program = await startInProcess({ env: { SIMULATOR_API_KEY: secrets.SIMULATOR_API_KEY } })
})
afterAll(() => program.stop())

let tools: FakeTools
beforeEach(() => {
  tools = new FakeTools()
})
afterEach(() => tools[Symbol.dispose]())

/** Every text that a user or another process could have seen. */
function seen(end: { stdout: string; stderr: string }): string {
  return [end.stdout, end.stderr, ...tools.calls(), ...tools.curlCalls()].join('\n')
}

function expectNoSecrets(text: string): void {
  for (const secret of ['s3cret', 'upstream-key', 'redis-password', 'storage-account-key']) {
    expect(text).not.toContain(secret)
  }
}

describe.skipIf(curl.isMissing).each(deployScripts)(`%s${curl.note}`, (script) => {
  it('lists all missing tools and variables before it changes anything', async () => {
    const { code, stderr } = await tools.run(script, { tools: [] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^Could not deploy: \d problems\. Nothing was changed\.\n/)
    const needed = {
      'deploy-aca.sh': ['az', 'DEPLOY_RESOURCE_GROUP', 'DEPLOY_LOCATION'],
      'deploy-aca-terraform.sh': ['az', 'terraform', 'DEPLOY_RESOURCE_GROUP', 'DEPLOY_LOCATION'],
      'deploy-aks.sh': ['az', 'kubectl', 'helm', 'DEPLOY_AKS_CLUSTER', 'DEPLOY_REGISTRY'],
    }[script]
    for (const name of [...(needed ?? []), 'SIMULATOR_API_KEY']) {
      expect(stderr).toMatch(new RegExp(`^  - ${name} is not (installed|set)\\. \\S.+\\.$`, 'm'))
    }
    expect(tools.calls()).toEqual([])
  })

  it('reports a missing login', async () => {
    const { code, stderr } = await tools.run(script, { envFile, failOn: 'az account show' })
    expect(code).toBe(1)
    expect(stderr).toContain('- az is not logged in. Run az login.')
    expect(tools.calls()).toHaveLength(1)
  })

  it('stops at a failed step, names it, and leaves no files', async () => {
    const { code, stdout, stderr } = await tools.run(script, { envFile, failOn: 'az acr build' })
    expect(code).toBe(1)
    expect(stderr).toContain('ERROR: the fake az fails here')
    expect(stderr).toContain('Could not build the image: az ended with code 3; its message is above.')
    expect(tools.calls().at(-1)).toMatch(/^az acr build /)
    expect(tools.leftovers()).toEqual([])
    expectNoSecrets(stdout + stderr)
  })

  it('prints its steps with --dry-run, and only checks the login', async () => {
    const { code, stdout, stderr } = await tools.run(script, { envFile, args: ['--dry-run'] })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('    az acr build --registry ')
    expect(stdout).not.toContain('azure ')
    expect(stdout).toContain('scripts/smoke-test.sh')
    expect(stdout).toMatch(/\nThis was a dry run: nothing was changed\.\n$/)
    expect(tools.calls()).toEqual(['az account show --output none'])
    expectNoSecrets(seen({ stdout, stderr }))
  })

  it('shows no secrets, passes them in files that other users cannot read, and does not execute .env', async () => {
    const port = String(program.port)
    const end = await tools.run(script, {
      envFile: `${envFile}AZURE_OPENAI_KEY=${secrets.AZURE_OPENAI_KEY}\nREDIS_URL=${secrets.REDIS_URL}\n`,
      url: program.url,
      env: { DEPLOY_MAX_REPLICAS: '2', DEPLOY_LOCAL_PORT: port },
    })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expectNoSecrets(seen(end))
    expect(tools.readableFiles()).toEqual([])
    expect(tools.leftovers()).toEqual([])
    expect(tools.has('pwned')).toBe(false)
    expect(end.stdout).toContain('    ok    a chat completion of gpt-4o-mini answers')
    expect(end.stdout).toContain('    ok    a request without a key is refused')
  })

  it('refuses settings with which the simulator does not start', async () => {
    const { stderr } = await tools.run(script, {
      envFile: `${envFile}SIMULATOR_MODUS=replay\nFAULTS_PATH=faults.json\nEXTENSION_PATH=./mine.ts\n`,
      env: { SIMULATOR_API_KEY: 'short', DEPLOY_MAX_REPLICAS: 'many', DEPLOY_NAME: 'My_Sim' },
    })
    expect(stderr).toContain('- SIMULATOR_MODUS in <root>/.env is not a setting.')
    expect(stderr).toContain('- FAULTS_PATH names a missing file (got faults.json).')
    expect(stderr).toContain('- EXTENSION_PATH names ./mine.ts, which the container does not have.')
    expect(stderr).toContain('- SIMULATOR_API_KEY must have at least 16 characters')
    expect(stderr).toContain('- DEPLOY_MAX_REPLICAS must be an integer of at least 1 (got many).')
    expect(stderr).toContain('- DEPLOY_NAME must be lower-case letters')
    expect(stderr).not.toContain('short')
  })

  it('requires the settings of record mode, and one replica', async () => {
    const { stderr } = await tools.run(script, {
      envFile,
      env: { SIMULATOR_MODE: 'record', DEPLOY_MAX_REPLICAS: '3' },
    })
    expect(stderr).toContain('- AZURE_OPENAI_ENDPOINT is not set.')
    expect(stderr).toContain('- AZURE_OPENAI_KEY is not set.')
    expect(stderr).toContain('- DEPLOY_MAX_REPLICAS must be 1 if responses are recorded (got 3)')
  })

  it('requires the settings of forward mode, with any number of replicas', async () => {
    const { stderr } = await tools.run(script, {
      envFile,
      env: { SIMULATOR_MODE: 'forward', DEPLOY_MAX_REPLICAS: '3' },
    })
    expect(stderr).toContain('- AZURE_OPENAI_ENDPOINT is not set.')
    expect(stderr).toContain('- AZURE_OPENAI_KEY is not set.')
    expect(stderr).not.toContain('if responses are recorded')
  })

  it('requires no upstream in forward mode if a configuration file can have it, or no key if the identity is used', async () => {
    tools.write('aoai-sim.yaml', '{}\n')
    const filed = await tools.run(script, {
      envFile,
      env: { SIMULATOR_MODE: 'forward', SIMULATOR_CONFIG: 'aoai-sim.yaml' },
      args: ['--dry-run'],
    })
    expect(filed.stderr).not.toContain('AZURE_OPENAI_')
    const identity = await tools.run(script, {
      envFile,
      env: { SIMULATOR_MODE: 'forward', UPSTREAM_CREDENTIAL: 'entra' },
      args: ['--dry-run'],
    })
    expect(identity.stderr).toContain('- AZURE_OPENAI_ENDPOINT is not set.')
    expect(identity.stderr).not.toContain('AZURE_OPENAI_KEY')
  })

  it('checks the names of further secrets', async () => {
    const { stderr } = await tools.run(script, {
      envFile,
      env: { DEPLOY_SECRETS: 'EAST_KEY,REDIS_URL,2x' },
    })
    expect(stderr).toContain('- EAST_KEY is not set. DEPLOY_SECRETS names it.')
    expect(stderr).toContain('- DEPLOY_SECRETS names the setting REDIS_URL')
    expect(stderr).toContain('- DEPLOY_SECRETS must be names of variables, separated by commas (got 2x).')
  })

  it('refuses a build that would upload .env', async () => {
    tools.write('.dockerignore', 'node_modules\n')
    const { code, stderr } = await tools.run(script, { envFile })
    expect(code).toBe(1)
    expect(stderr).toContain('- .dockerignore does not exclude .env')
  })

  it('builds without secret mounts, which a registry build does not support', async () => {
    tools.write('Dockerfile', 'FROM scratch\nRUN --mount=type=secret,id=a --mount=type=secret,id=b sh x\n')
    await tools.run(script, { envFile, env: { DEPLOY_NODE_IMAGE: 'mirror/node:24' }, failOn: 'acr build' })
    expect(tools.handedFiles('Dockerfile')).toEqual(['FROM scratch\nRUN sh x\n'])
    expect(tools.calls().at(-1)).toContain('--build-arg NODE_IMAGE=mirror/node:24 <root>')
    tools.write('Dockerfile', 'FROM scratch\nRUN --mount=type=cache,target=/c sh x\n')
    const { stderr } = await tools.run(script, { envFile })
    expect(stderr).toContain('- The Dockerfile needs BuildKit, which az acr build does not have.')
  })

  it('prints its help with --help, and names an unknown option', async () => {
    expect((await tools.run(script, { args: ['--help'] })).stdout).toContain(`Usage: scripts/${script}`)
    const { code, stderr } = await tools.run(script, { args: ['--dryrun'] })
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        '\nCould not read the options: unknown option --dryrun. The options are --dry-run, --env-file FILE and --help.\n',
    })
  })
})

describe.skipIf(curl.isMissing)(`deploy-aca.sh${curl.note}`, () => {
  it('creates the infrastructure, the image, the files and the app in this order, and tests the app', async () => {
    tools.write('deployments.json', '{}')
    const { code, stdout } = await tools.run('deploy-aca.sh', {
      envFile: `${envFile}OPENAI_DEPLOYMENT_CONFIG_PATH=deployments.json\n`,
      url: program.url,
    })
    expect(code).toBe(0)
    const template = '<root>/infra/container-apps/bicep/main.bicep'
    const deploy = (name: string): string =>
      `az deployment group create --resource-group sim-group --name aoai-sim-${name} --template-file ${template} ` +
      '--parameters @<work>/parameters.json --output none'
    const show = 'az deployment group show --resource-group sim-group --name aoai-sim-'
    const share = '--account-name aoaisimstorage --share-name simulator'
    expect(tools.calls()).toEqual([
      'az account show --output none',
      'az group create --name sim-group --location swedencentral --output none',
      deploy('base'),
      `${show}base --query [properties.outputs.registryName.value, properties.outputs.storageAccountName.value, properties.outputs.shareName.value] --output tsv`,
      'az acr build --registry aoaisimregistry --image aoai-simulated-api:test --file <work>/Dockerfile <root>',
      'az storage account keys list --account-name aoaisimstorage --resource-group sim-group --query [0].value --output tsv',
      `az storage directory create ${share} --name recording --output none`,
      `az storage directory create ${share} --name config --output none`,
      `az storage file upload ${share} --source <root>/deployments.json --path config/deployments.json --output none`,
      deploy('app'),
      `${show}app --query [properties.outputs.url.value] --output tsv`,
      'az resource show --resource-group sim-group --name aoai-sim --resource-type Microsoft.App/containerApps --query [properties.latestRevisionName, properties.latestReadyRevisionName] --output tsv',
    ])
    expect(stdout).toContain(`The simulator runs at ${program.url}\n`)
    const [base, app] = tools.handedFiles('parameters.json').map((text) => JSON.parse(text) as Parameters)
    expect(base?.parameters['deployApp']).toEqual({ value: false })
    expect(app?.parameters).toMatchObject({
      deployApp: { value: true },
      image: { value: 'aoai-simulated-api:test' },
      simulatorApiKey: { value: secrets.SIMULATOR_API_KEY },
      minReplicas: { value: 1 },
      maxReplicas: { value: 1 },
      environmentVariables: {
        value: {
          SIMULATOR_MODE: 'generate',
          LOG_LEVEL: 'warn',
          OPENAI_DEPLOYMENT_CONFIG_PATH: '/mnt/simulator/config/deployments.json',
        },
      },
    })
    // What the template sets itself, and secrets, are no settings.
    expect(Object.keys(app?.parameters['environmentVariables']?.value ?? {}).sort()).toEqual([
      'LOG_LEVEL',
      'OPENAI_DEPLOYMENT_CONFIG_PATH',
      'SIMULATOR_MODE',
    ])
  })

  it('passes further secrets and the accounts of the identity, and prints no secret', async () => {
    const account =
      '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/my-account'
    const end = await tools.run('deploy-aca.sh', {
      envFile: `${envFile}DEPLOY_SECRETS=EAST_KEY\nEAST_KEY=upstream-key-east\nDEPLOY_UPSTREAM_ACCOUNTS=${account}\n`,
      url: program.url,
    })
    expect(end.code).toBe(0)
    expectNoSecrets(seen(end))
    const { parameters } = JSON.parse(tools.handedFiles('parameters.json').at(-1) ?? '') as {
      parameters: Record<string, { value: unknown }>
    }
    expect(parameters['secrets']?.value).toEqual({ EAST_KEY: 'upstream-key-east' })
    expect(parameters['upstreamAccountIds']?.value).toEqual([account])
    const wrong = await tools.run('deploy-aca.sh', {
      envFile,
      env: { DEPLOY_UPSTREAM_ACCOUNTS: 'my-account' },
    })
    expect(wrong.stderr).toContain('- DEPLOY_UPSTREAM_ACCOUNTS must be resource ids of Azure OpenAI')
  })

  it('keeps changes in a blob with DEPLOY_CHANGES_IN_BLOB, and refuses a SAS and Redis', async () => {
    await tools.run('deploy-aca.sh', { envFile: `${envFile}DEPLOY_CHANGES_IN_BLOB=true\n`, url: program.url })
    const { parameters } = JSON.parse(tools.handedFiles('parameters.json').at(-1) ?? '') as Parameters
    expect(parameters['changesInBlob']).toEqual({ value: true })
    const store = 'CONFIG_STORE=blob:https://a12.blob.core.windows.net/c/x?sig=hush'
    const { code, stderr } = await tools.run('deploy-aca.sh', {
      envFile: `${envFile}DEPLOY_CHANGES_IN_BLOB=true\nDEPLOY_MAX_REPLICAS=3\n${store}\n`,
    })
    expect(code).not.toBe(0)
    expect(stderr).toContain(
      'DEPLOY_CHANGES_IN_BLOB sets CONFIG_STORE, and a CONFIG_STORE variable is set as well',
    )
    expect(stderr).toContain('DEPLOY_CHANGES_IN_BLOB needs one replica and no REDIS_URL')
    expect(stderr).toContain('CONFIG_STORE has a SAS, which would be a plain variable')
    expect(stderr).not.toContain('hush')
    const wrong = await tools.run('deploy-aca.sh', { envFile: `${envFile}DEPLOY_CHANGES_IN_BLOB=yes\n` })
    expect(wrong.stderr).toContain('DEPLOY_CHANGES_IN_BLOB must be true or false (got yes)')
  })

  it('passes the configured subscription to every call of az', async () => {
    const { stdout } = await tools.run('deploy-aca.sh', {
      envFile: `${envFile}DEPLOY_SUBSCRIPTION=my-subscription\n`,
      args: ['--dry-run'],
    })
    const calls = stdout.split('\n').filter((line) => line.startsWith('    az '))
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.filter((line) => !line.endsWith(' --subscription my-subscription'))).toEqual([])
  })

  it('uploads the recordings that replay mode reads', async () => {
    const none = await tools.run('deploy-aca.sh', {
      envFile: envFile.replace('generate', 'replay').replace('=recordings', '=elsewhere'),
      args: ['--dry-run'],
    })
    expect(none.stdout).toContain('There is no folder <root>/elsewhere')
    const some = await tools.run('deploy-aca.sh', {
      envFile: envFile.replace('generate', 'replay').replace('=recordings', '=scripts'),
      args: ['--dry-run'],
    })
    expect(some.stdout).toContain('--destination-path recording --source <root>/scripts')
  })

  it('reports an app that does not answer, and where its logs are', async () => {
    const { code, stderr } = await tools.run('deploy-aca.sh', {
      envFile,
      // Port 9 belongs to the discard service. Nothing listens on it.
      url: 'http://127.0.0.1:9',
      env: { SMOKE_WAIT_SECONDS: '0' },
    })
    expect(code).toBe(1)
    expect(stderr).toContain('FAIL  GET /healthz answers: expected 200')
    expect(stderr).toContain('See az containerapp logs show --name aoai-sim --resource-group sim-group.')
  })
})

describe.skipIf(curl.isMissing)(`deploy-aca-terraform.sh${curl.note}`, () => {
  it('plans and applies all but the app, builds, and plans and applies the rest', async () => {
    const { code } = await tools.run('deploy-aca-terraform.sh', { envFile, url: program.url })
    expect(code).toBe(0)
    const terraform = tools
      .calls()
      .filter((call) => /^(terraform|az acr)/.test(call))
      .map((call) => call.replace('terraform -chdir=<root>/infra/container-apps/terraform ', ''))
    expect(terraform).toEqual([
      'init -input=false',
      expect.stringMatching(
        /^plan -input=false -var-file=<work>\/deploy\.tfvars\.json -out=<work>\/base\.tfplan -target=/,
      ),
      'apply -input=false <work>/base.tfplan',
      'output -raw registry_name',
      'output -raw storage_account_name',
      'output -raw share_name',
      expect.stringMatching(/^az acr build /),
      'plan -input=false -var-file=<work>/deploy.tfvars.json -out=<work>/app.tfplan',
      'apply -input=false <work>/app.tfplan',
      'output -raw url',
    ])
    expect(JSON.parse(tools.handedFiles('deploy.tfvars.json').at(-1) ?? '')).toEqual({
      subscription_id: '00000000-0000-0000-0000-000000000001',
      resource_group_name: 'sim-group',
      location: 'swedencentral',
      name: 'aoai-sim',
      image: 'aoai-simulated-api:test',
      environment_variables: { SIMULATOR_MODE: 'generate', LOG_LEVEL: 'warn' },
      simulator_admin_api_key: '',
      simulator_api_key: secrets.SIMULATOR_API_KEY,
      twin_admin_token: '',
      azure_openai_key: '',
      upstream_client_secret: '',
      config_store_key: '',
      secrets: {},
      changes_in_blob: false,
      upstream_account_ids: [],
      redis_url: '',
      otlp_headers: '',
      applicationinsights_connection_string: '',
      min_replicas: 1,
      max_replicas: 1,
    })
  })
})

describe.skipIf(curl.isMissing)(`deploy-aks.sh${curl.note}`, () => {
  it('builds the image, creates namespace and secret, installs the chart, and tests it through a forwarded port', async () => {
    tools.write('faults.yaml', 'rules: "a\tb"\n')
    const { code, stdout } = await tools.run('deploy-aks.sh', {
      envFile: `${envFile}FAULTS_PATH=faults.yaml\n`,
      env: { DEPLOY_LOCAL_PORT: String(program.port) },
    })
    expect(code).toBe(0)
    expect(tools.calls()).toEqual([
      'az account show --output none',
      'az acr show --name aoaisimregistry --query loginServer --output tsv',
      'az aks get-credentials --resource-group sim-group --name sim-cluster --file <work>/kubeconfig --overwrite-existing --output none',
      'az acr build --registry aoaisimregistry --image aoai-simulated-api:test --file <work>/Dockerfile <root>',
      'kubectl apply --server-side --force-conflicts --field-manager=deploy-aks --filename <work>/objects.json',
      'helm upgrade --install aoai-sim <root>/infra/helm/aoai-simulated-api --namespace aoai-sim --values <work>/values.json --wait --timeout 5m',
      `kubectl --namespace aoai-sim port-forward service/aoai-sim ${program.port}:80`,
    ])
    expect(stdout).toContain('To remove it: helm uninstall aoai-sim --namespace aoai-sim')
    const { items } = JSON.parse(tools.handedFiles('objects.json')[0] ?? '') as { items: object[] }
    expect(items).toMatchObject([
      { kind: 'Namespace', metadata: { name: 'aoai-sim' } },
      { kind: 'Secret', stringData: { SIMULATOR_API_KEY: secrets.SIMULATOR_API_KEY } },
      { kind: 'ConfigMap', data: { 'faults.yaml': 'rules: "a\tb"' } },
    ])
    expect(JSON.parse(tools.handedFiles('values.json')[0] ?? '')).toMatchObject({
      image: { repository: 'aoaisimregistry.azurecr.io/aoai-simulated-api', tag: 'test' },
      secret: { existingSecret: 'aoai-sim-settings' },
      env: { FAULTS_PATH: '/etc/simulator-files/faults.yaml', SIMULATOR_MODE: 'generate' },
    })
  })

  it('requires Redis for several pods, and recordings for replay mode', async () => {
    const { stderr } = await tools.run('deploy-aks.sh', {
      envFile,
      env: { DEPLOY_MAX_REPLICAS: '2', SIMULATOR_MODE: 'replay' },
    })
    expect(stderr).toContain('- REDIS_URL is not set, and there are 2 pods')
    expect(stderr).toContain('- DEPLOY_RECORDINGS_CLAIM is not set, and replay mode needs recordings')
  })
})

describe('.env', () => {
  const text = [
    '# a comment',
    '',
    'PLAIN=one',
    'SPACES =  two words  ',
    "SINGLE='three # no comment'",
    'DOUBLE="four\\nlines"',
    'TICKS=`five "quoted"`',
    'export EXPORTED=six',
    'COMMENT=seven # comment',
    'HASH=eight#nine',
    'EQUALS=a=b==',
    'EMPTY=',
    'DOLLAR=$HOME $(id) `id`',
    'BACKSLASH=C:\\new',
    'no assignment',
    '2BAD=ten',
    'LAST="eleven" # comment',
  ].join('\r\n')

  it('has the same meaning for the scripts as for the simulator', () => {
    tools.write('.env', text)
    const expected = Object.entries(parseEnv(text)).filter(([name]) => /^[A-Z]/.test(name))
    const script = `set -eu; . "$1/scripts/deploy-common.sh"; read_env_file; shift
      for name in "$@"; do value="file_$name"; printf '%s=%s\\0' "$name" "\${!value}"; done`
    const names = expected.map(([name]) => name)
    const output = execFileSync('bash', ['-c', script, 'bash', tools.folder, ...names], { encoding: 'utf8' })
    expect(output.split('\0').filter(Boolean)).toEqual(expected.map(([name, value]) => `${name}=${value}`))
    expect(names).toHaveLength(13)
  })
})

describe('every script in bash', () => {
  it.skipIf(shellcheck.isMissing)(`passes shellcheck${shellcheck.note}`, () => {
    const scripts = readdirSync(join(packageFolder, 'scripts'))
      .filter((file) => file.endsWith('.sh'))
      .map((file) => join('scripts', file))
    const { status, stdout } = runTool(
      'shellcheck',
      ['--external-sources', ...scripts, 'tests/support/fake-tools/fake-tool.sh'],
      packageFolder,
    )
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})

interface Parameters {
  readonly parameters: Readonly<Record<string, { readonly value: unknown }>>
}
