import { formatNumber } from '../lib/number-format.ts'
import { modelCatalogue } from '../wire/models/model-catalogue.ts'
import type { Model } from '../wire/models/models.ts'
import { deploymentKeys } from './deployment-keys.ts'
import { derivedRequestsPerMinute } from './deployment-limits.ts'
import { defaultDeployments } from './default-deployments.ts'
import { settingGroups } from './setting.ts'
import { type Setting, settingsTable } from './settings-table.ts'

/** The text of docs/config.md. */
export function renderConfigDocs(): string {
  return `${[intro, ...settingGroups.map(renderGroup), units, renderDeploymentFile(), renderDefaults(), renderModels()].join('\n\n')}\n`
}

const intro = `<!-- Made by scripts/generate-docs.ts from src/config/settings-schema.ts: do not edit. -->

# Configuration

Each setting is an environment variable and a flag. The flag is the variable without \`SIMULATOR_\`, in lower case,
with dashes: \`SIMULATOR_MODE\` is \`--mode\`, \`LOG_LEVEL\` is \`--log-level\`. Every flag takes a value.

Where a setting is given twice, the first of these wins:

1. the flag,
2. the environment variable,
3. the line in the file \`.env\` in the working directory ([sample.env](../sample.env) is one to copy),
4. the default.

The column _At run time_ tells where \`PATCH /++/config\` has a setting ([Administration](admin.md)); without one, only a new
start changes it. Deployments and faults change at run time, too.

A variable that is empty counts as unset. The simulator does not start with a configuration that is wrong: it names
every problem at once and ends with exit code 2. A variable that begins with \`SIMULATOR_\` and is not listed here is a
problem too, since it is most likely a typing error; only the variables that Kubernetes and Docker make for a service
named "simulator" are passed over. Any other variable that is nearly the name of a setting (\`PROT\`, \`LATENCY_PROFIL\`) is warned
of in the log.`

const units = `## Units

- MB: 1,048,576 bytes.
- s, ms: seconds, milliseconds.
- ms per token: times the number of tokens in the completion.
- ms per MB: times the size of the audio file.
- Waiting times are drawn from a normal distribution with the mean and the standard deviation given, and never
  negative. A waiting time before the first token comes on top of the time for each token. [Timing](timing.md) has more:
  profiles, other distributions, queues.`

const renderDeploymentFile = (): string => `## The deployment file

\`OPENAI_DEPLOYMENT_CONFIG_PATH\` names a file in JSON or YAML that maps the name of each deployment to its model and
limits. It replaces the default set.

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

Without \`requestsPerMinute\` the requests follow from the tokens, by a ratio that the service has for each model: see the column _Requests
per minute_ under [Models](#models).

A number may be given as digits in quotes (\`"512"\`), and the keys \`requestPerMinute\` and \`size\` of older files are taken for
\`requestsPerMinute\` and \`embeddingSize\`.

The name of a deployment has 1 to 256 printable characters of ASCII or Latin-1, with no space at either end:
\`openai/gpt-4o\`, \`ft:gpt-4o:x\` and \`my model\` are names. Answers tell the name in headers, which take no other
characters. The administration refuses any other name with 400. A request that names such a deployment gets the service's
404 \`DeploymentNotFound\`, also where undefined deployments are allowed.

Every problem in the file is named at once, with its place:
\`deployments.yaml: "chat".tokensPerMinute must be an integer of at least 1 (got -5).\``

/** A quota of which the ratio of each model gives a whole number of requests. */
const EXAMPLE_TOKENS_PER_MINUTE = 60_000

function renderKeys(): string {
  const rows = Object.entries(deploymentKeys).map(([key, { meaning, range, whenAbsent }]) => [
    code(key),
    linked(meaning),
    range,
    whenAbsent,
  ])
  return table(['Key', 'Meaning', 'Range', 'When absent'], rows)
}

/** Makes links of the names of documents. */
function linked(text: string): string {
  return text.replaceAll(/docs\/([\w-]+)\.md/g, (_, page: string) =>
    page === 'config' ? '[Models](#models)' : `[${page}.md](${page}.md)`,
  )
}

function renderGroup(group: string): string {
  const settings = settingsTable().filter((setting) => setting.group === group)
  return [
    `## ${group}`,
    '',
    table(
      ['Variable', 'Flag', 'At run time', 'Default', 'Range', 'Unit', 'Meaning'],
      settings.map(settingRow),
    ),
  ].join('\n')
}

function settingRow(setting: Setting): string[] {
  const fallback = setting.default === undefined ? (setting.unsetMeaning ?? '') : code(setting.default)
  const description = setting.secret ? `${setting.description} Secret: never printed.` : setting.description
  return [
    code(setting.env),
    code(setting.flag),
    setting.patch === undefined ? '' : code(setting.patch),
    fallback,
    setting.range,
    setting.unit ?? '',
    description,
  ]
}

function renderDefaults(): string {
  const rows = Object.entries(defaultDeployments).map(([name, deployment]) => [
    code(name),
    code(deployment.model),
    'tokensPerMinute' in deployment ? formatNumber(deployment.tokensPerMinute) : 'no limit',
    'requestsPerMinute' in deployment ? formatNumber(deployment.requestsPerMinute) : 'derived',
  ])
  return `## The default set

Without a file there are these deployments. Those of gpt-35-turbo, \`embedding\` and \`whisper\` are the ones of the
Python simulator. The others follow the quota of a new pay-as-you-go subscription (Global Standard; Microsoft Learn,
"Azure OpenAI quotas and limits"), so that a first try meets the limits that a first real deployment would.

${table(['Deployment', 'Model', 'Tokens per minute', 'Requests per minute'], rows)}`
}

function renderModels(): string {
  return `## Models

A model without operations may be named in the deployment file, but no request to it is answered yet. Source of the
numbers: Microsoft Learn, "Foundry Models sold by Azure", September 2026. _Requests per minute_ are those of a deployment with
${formatNumber(EXAMPLE_TOKENS_PER_MINUTE)} tokens per minute and no \`requestsPerMinute\`.

${table(['Model', 'Other names', 'Context tokens', 'Output tokens', 'Requests per minute', 'Operations'], modelCatalogue.map(modelRow))}`
}

function modelRow(model: Model): string[] {
  return [
    code(model.name),
    model.aliases.map(code).join(', '),
    model.contextTokens === 0 ? '' : formatNumber(model.contextTokens),
    model.maxOutputTokens === 0 ? '' : formatNumber(model.maxOutputTokens),
    formatNumber(derivedRequestsPerMinute(EXAMPLE_TOKENS_PER_MINUTE, model)),
    model.operations.join(', '),
  ]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

/**
 * The text of sample.env. Each variable is commented out, so that a copy follows the defaults of later versions and
 * no value meets a reader that treats quotes or spaces in its own way (Docker, make, a shell).
 */
export function renderSampleEnv(): string {
  const intro = [
    '# Copy this file to .env, and take the first # away where you want another value.',
    '# docs/config.md explains the settings. Flags and the environment win over this file.',
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
