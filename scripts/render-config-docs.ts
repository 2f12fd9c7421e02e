import { formatNumber } from '../src/lib/format-text.ts'
import { builtInCatalogue } from '../src/wire/models/model-catalogue.ts'
import type { Model } from '../src/wire/models/models.ts'
import { deploymentKeys } from '../src/config/deployment-keys.ts'
import { isClaude } from '../src/wire/models/claude-traits.ts'
import { derivedRequestsPerMinute, defaultDeployments } from '../src/config/deployments.ts'
import { settingGroups } from '../src/config/setting.ts'
import { type Setting, settingsTable } from '../src/config/settings-table.ts'

/** Returns the content of docs/config.md. */
export function renderConfigDocs(): string {
  return `${[intro, ...settingGroups.map(renderGroup), units, configFile, renderDeploymentFile(), renderDefaults(), renderModels()].join('\n\n')}\n`
}

const intro = `<!-- Made by scripts/generate-docs.ts from src/config/settings-schema.ts: do not edit. -->

# Configuration

Configure the simulator with environment variables, flags or a \`.env\` file.

\`\`\`bash start
PORT=9000 LOG_LEVEL=debug make run
\`\`\`

Each variable is also a flag (\`make run ARGS="--port 9000"\`): remove \`SIMULATOR_\`, use lower case and dashes. \`SIMULATOR_MODE\` is \`--mode\`, \`LOG_LEVEL\`
is \`--log-level\`. Every flag takes a value. The first of these applies:

1. flag
2. environment variable
3. \`.env\` file in the working directory (copy [sample.env](../sample.env))
4. [configuration file](#the-configuration-file), named by \`SIMULATOR_CONFIG\`
5. default

- Relative paths start at the working directory. An empty variable counts as unset. Secrets are never printed.
- _At run time_ is the path of a setting in [\`PATCH /++/config\`](admin.md#configuration). All other settings need a restart.
- An invalid configuration prevents start-up. The simulator lists all problems and exits with code 2.
- An unknown variable that begins with \`SIMULATOR_\` is an error, except those that Kubernetes and Docker set for a service
  named "simulator". Other names close to a setting, such as \`PROT\`, are logged as a warning.`

const units = `## Types and units

- boolean: true, on, yes or 1; false, off, no or 0. Lists are separated by commas.
- MB: 1,048,576 bytes.
- ms per token: for each token of the completion.
- ms per MB: for each MB of the audio file.
- Latency is drawn from a normal distribution and is never negative. The latency of the first token is added to that of each token. See
  [Latency](timing.md).`

const configFile = `## The configuration file

One YAML or JSON file can hold the whole configuration. \`SIMULATOR_CONFIG\` is its path. Write one with all sections
([example](../examples/aoai-sim.yaml)) and start with it:

\`\`\`bash run
aoai-sim init /tmp/aoai-sim.yaml --force
\`\`\`

\`\`\`bash start
make run ARGS="--config /tmp/aoai-sim.yaml"
\`\`\`

Without a name, \`init\` writes \`aoai-sim.yaml\`. It replaces an existing file only with \`--force\`. A running simulator
writes its configuration as such a file: [GET /++/config/file](admin.md#configuration-as-a-file).

\`\`\`yaml
# aoai-sim.yaml
settings:
  region: Sweden Central
  latency:
    time_scale: 0.5
  port: 9000
  api_key: { env: SIM_KEY }
upstreams:
  default:
    endpoint: https://my-resource.openai.azure.com
    key: { env: UPSTREAM_KEY }
deployments:
  chat: { model: gpt-4o-mini, tokens_per_minute: 60000 }
resources:
  acme:
    region: East US
    keys: [{ env: ACME_KEY, label: load test }]
    deployments:
      chat: { model: gpt-4o, tokens_per_minute: 10000 }
faults:
  - { probability: 0.01, fault: serverError }
incidents:
  start_after: 10m
  phases:
    - { name: slow, minutes: 5, latency: { first_token_factor: 4 } }
\`\`\`

| Section | Content |
| --- | --- |
| \`settings\` | The settings of this page. The name of a setting is the one in the column _At run time_, else its variable in lower case without \`SIMULATOR_\`: \`PORT\` is \`port\`. |
| \`upstreams\` | Real services by name: \`endpoint\`, \`key\` and the \`UPSTREAM_\` settings without this prefix, such as \`kind\`, \`credential\` and \`connect_timeout_ms\`. \`default\` is the one of \`AZURE_OPENAI_ENDPOINT\`, which overrides it. The others do not inherit its settings. |
| \`deployments\` | The same as [the deployment file](#the-deployment-file). |
| \`resources\` | Further resources by name, each below its path prefix (\`/acme/openai/...\`). A resource has \`keys\`, \`deployments\`, \`faults\`, \`incidents\`, \`upstream\` (the name of one of \`upstreams\`) and any setting of a resource, such as \`region\`. It inherits other settings, but not the keys. |
| \`faults\` | The list of a [fault file](faults.md). |
| \`incidents\` | The timetable of an [incident file](incidents.md). |

- Sections are optional. Without \`deployments\` there is the [default set](#the-default-set).
- Keys can be in snake_case or camelCase. A list can be a YAML list or one text.
- Any value can be \`{ env: NAME }\`, the value of a variable in the environment or in \`.env\`. If it is not set, the simulator does not
  start.
- Relative paths start at the working directory, not at the folder of the file.
- \`OPENAI_DEPLOYMENT_CONFIG_PATH\`, \`FAULTS_PATH\` and \`INCIDENTS_PATH\` still name separate files. A section that is in the
  configuration file as well is an error.
- Editors complete and check the file with its JSON Schema. \`aoai-sim schema\` prints it, and the package has it as
  \`aoai-simulated-api/schema.json\`. In YAML, name it in the first line
  (\`# yaml-language-server: $schema=./aoai-sim.schema.json\`), in JSON as \`$schema\`. It cannot express references, such as
  the name of an upstream. The simulator checks them at start.
- A problem has its path in the file: \`aoai-sim.yaml: settings.port must be an integer from 0 to 65535 (got 70000).\`
- With \`WATCH\`, a change applies from the next request, except settings that need a restart. They are logged and keep their
  value. Changes by the admin API stay on top. An invalid file is logged and has no effect.`

const renderDeploymentFile = (): string => `## The deployment file

\`OPENAI_DEPLOYMENT_CONFIG_PATH\` is a JSON or YAML file that maps deployment names to models and limits. It replaces the
default set.

\`\`\`yaml
chat:
  model: gpt-4o-mini
  tokensPerMinute: 60000
embedding:
  model: text-embedding-3-small
  tokensPerMinute: 120000
  embeddingSize: 512
whisper:
  model: whisper
  requestsPerMinute: 3
\`\`\`

${renderKeys()}

- Without \`requestsPerMinute\`, the limit is derived from \`tokensPerMinute\` by the ratio of the [model](#models).
- A number can be a string of digits (\`"512"\`). The older keys \`requestPerMinute\` and \`size\` are accepted for
  \`requestsPerMinute\` and \`embeddingSize\`.
- A deployment name has 1 to 256 printable ASCII or Latin-1 characters and no space at either end. The admin API rejects other
  names with 400, and requests get 404 \`DeploymentNotFound\`.
- All problems in the file are reported together:
  \`deployments.yaml: "chat".tokensPerMinute must be an integer of at least 1 (got -5).\``

/** Operations of most models, which the table of models leaves out. */
const TEXT_OPERATIONS = 'chatCompletions, responses'

/** A quota with a whole number of requests for every model ratio. */
const EXAMPLE_TOKENS_PER_MINUTE = 60_000

function renderKeys(): string {
  const rows = Object.entries(deploymentKeys).map(([key, { meaning, range, whenAbsent }]) => [
    code(key),
    linked(meaning),
    shortRange(range),
    whenAbsent,
  ])
  return table(['Key', 'Description', 'Range', 'Default'], rows)
}

/** Replaces names of documents with links. */
function linked(text: string): string {
  return text.replaceAll(/docs\/([\w-]+)\.md/g, (_, page: string) =>
    page === 'config' ? '[Models](#models)' : `[${page}.md](${page}.md)`,
  )
}

function renderGroup(group: string): string {
  const settings = settingsTable().filter((setting) => setting.group === group)
  const canChange = settings.some(({ patch }) => patch !== undefined)
  const head = ['Variable', ...(canChange ? ['At run time'] : []), 'Default', 'Range', 'Description']
  return [
    `## ${group}`,
    '',
    table(
      head,
      settings.map((setting) => settingRow(setting, canChange)),
    ),
  ].join('\n')
}

function settingRow(setting: Setting, hasPatchColumn: boolean): string[] {
  const fallback = setting.default === undefined ? (setting.unsetMeaning ?? '') : code(setting.default)
  const description = setting.secret ? `${setting.description} Secret.` : setting.description
  return [
    code(setting.env),
    ...(hasPatchColumn ? [setting.patch === undefined ? '' : code(setting.patch)] : []),
    fallback,
    shortRange(setting.range) + (setting.unit === undefined ? '' : ` (${setting.unit})`),
    linked(description),
  ]
}

/** Shortens the range of an error message for a table cell: `an integer from 1 to 20` becomes `integer, 1–20`. */
function shortRange(range: string): string {
  return range
    .replace(/^an? (integer|number) from (\S+) to (\d+)/, '$1, $2–$3')
    .replace(/^an? (integer|number) of at least (\d+)/, '$1 ≥ $2')
    .replace(/^(true or false|on or off)$/, 'boolean')
    .replace(/^the path of a (file|folder)$/, '$1 path')
    .replace(/^phrases such as .*/, '[phrases](content-filters.md#phrases)')
    .replace(/^an address such as http:.*/, 'address')
    .replace(/^(an?|the) /, '')
    .replace(/^(?:list of )?(.*), separated by commas$/, '$1 (list)')
}

function renderDefaults(): string {
  const rows = Object.entries(defaultDeployments).map(([name, deployment]) => [
    code(name),
    code(deployment.model),
    'tokensPerMinute' in deployment ? formatNumber(deployment.tokensPerMinute) : 'no limit',
    'requestsPerMinute' in deployment ? formatNumber(deployment.requestsPerMinute) : 'derived',
  ])
  return `## The default set

Without a deployment file, these deployments exist: those of the Python simulator, and some with the quota of a new pay-as-you-go subscription.

${table(['Deployment', 'Model', 'Tokens per minute', 'Requests per minute'], rows)}`
}

function renderModels(): string {
  return `## Models

Source: Microsoft Learn, "Foundry Models sold by Azure", September 2026. _Requests per minute_ is derived from
${formatNumber(EXAMPLE_TOKENS_PER_MINUTE)} tokens per minute, except for [Claude models](claude.md). _Operations_ is empty for ${TEXT_OPERATIONS.replace(', ', ' and ')}. With \`none\`, requests are not answered yet.

${table(['Model', 'Other names', 'Context tokens', 'Output tokens', 'Requests per minute', 'Operations'], builtInCatalogue.models.map(modelRow))}`
}

function modelRow(model: Model): string[] {
  return [
    code(model.name),
    model.aliases.map(code).join(', '),
    model.contextTokens === 0 ? '' : formatNumber(model.contextTokens),
    model.maxOutputTokens === 0 ? '' : formatNumber(model.maxOutputTokens),
    isClaude(model) ? '' : formatNumber(derivedRequestsPerMinute(EXAMPLE_TOKENS_PER_MINUTE, model)),
    operationsCell(model),
  ]
}

function operationsCell({ operations }: Model): string {
  if (operations.length === 0) return 'none'
  const cell = operations.join(', ')
  return cell === TEXT_OPERATIONS ? '' : cell
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

/**
 * Returns the content of sample.env. All variables are commented out, so that a copy uses the defaults of later
 * versions, and quotes or spaces in a value cannot break other readers of the file (Docker, make, a shell).
 */
export function renderSampleEnv(): string {
  const intro = [
    '# Copy this file to .env and uncomment the settings to change.',
    '# See docs/config.md. Flags and environment variables override this file.',
    '# Made by scripts/generate-docs.ts: do not edit.',
  ].join('\n')
  return `${[intro, ...settingGroups.map(renderGroupOfEnv)].join('\n\n')}\n`
}

function renderGroupOfEnv(group: string): string {
  const settings = settingsTable().filter((setting) => setting.group === group)
  return [`# --- ${group} ---`, ...settings.map(renderSetting)].join('\n\n')
}

function renderSetting(setting: Setting): string {
  const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`
  const unset = setting.unsetMeaning === undefined ? '' : ` Unset: ${setting.unsetMeaning}.`
  return [
    `# ${setting.description}`,
    `# Must be ${setting.range}.${unit}${unset}`,
    `#${setting.env}=${setting.default ?? ''}`,
  ].join('\n')
}
