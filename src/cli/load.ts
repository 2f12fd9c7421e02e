import { type Command, InvalidArgumentError, Option } from 'commander'
import { DRAIN_SECONDS, loadOperations, PLAN_LIMITS } from '../load/load-plan.ts'
import { workloadShapes } from '../load/workload-shapes.ts'
import { type CliHost, parseNumber, parseSeconds, parseUrl, parseWhole } from './cli-host.ts'
import { createLoadPlan, type LoadOptions } from './load-options.ts'
import { printLoad } from './print-load.ts'

/** Adds the command `load`, which sends requests to an endpoint and measures the answers. */
export function addLoadCommand(program: Command, host: CliHost): void {
  const { durationSeconds, warmupSeconds, connections, requestsPerSecond, tokens } = PLAN_LIMITS
  program
    .command('load')
    .description('Send load to an endpoint and measure the answers (docs/load-testing.md).')
    .showHelpAfterError('Run aoai-sim load --help for the list of flags.')
    .option('--url <url>', 'address of the endpoint', parseUrl, new URL('http://127.0.0.1:8000'))
    .option(
      '--api-key <key>',
      'API key (default: SIMULATOR_API_KEY, which other users of this machine cannot see)',
    )
    .option(
      '--allow-host <name>',
      'allow load on another host, named as in --url; real services bill each token',
    )
    .option('--deployment <name>', 'deployment (default: depends on the operation)')
    .addOption(
      new Option('--operation <name>', 'operation to load')
        .choices(loadOperations)
        .default(loadOperations[0]),
    )
    .option('--stream', 'request streams, and measure the first token and the gaps between events')
    .option(
      '--api-version <version>',
      'dated API version, or v1 for paths without a version',
      parseVersion,
      '2024-10-21',
    )
    .option(
      '--connections <n>',
      'maximum number of concurrent requests (default: 10; 100 with --rate)',
      parseWhole(connections),
    )
    .option(
      '--rate <n>',
      'requests per second, sent without waiting for answers (default: each connection sends after its last answer)',
      parseNumber(requestsPerSecond),
    )
    .option(
      '--honor-retry-after',
      'pause a connection after a 429 as long as its retry-after says; not with --rate',
    )
    .addOption(
      new Option(
        '--duration <time>',
        `how long to send, for example 30s or 5m, at most 1h; pending answers have ${DRAIN_SECONDS} s more`,
      )
        .argParser(parseSeconds(durationSeconds))
        .default(10, '10s'),
    )
    .addOption(
      new Option('--warmup <time>', 'how long to send before that without counting')
        .argParser(parseSeconds(warmupSeconds))
        .default(0, '0s'),
    )
    .addOption(
      new Option('--workload <name>', 'request sizes of a published Azure trace').choices(
        Object.keys(workloadShapes),
      ),
    )
    .option(
      '--prompt-tokens <n>',
      'tokens per prompt (default: 100, or from the workload)',
      parseWhole(tokens),
    )
    .option('--max-tokens <n>', 'tokens per answer (default: 100, or from the workload)', parseWhole(tokens))
    .option('--json', 'print the report as JSON instead of a table')
    .allowExcessArguments(false)
    .action((_options: LoadOptions, command: Command) => {
      // --api-key is also a flag of the program and may precede the command.
      const options = command.optsWithGlobals<LoadOptions>()
      return printLoad(host, createLoadPlan(host, options), options.json === true)
    })
}

function parseVersion(text: string): string {
  if (text === 'v1' || /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(text)) return text
  throw new InvalidArgumentError('Give a version such as 2024-10-21 or 2025-04-01-preview, or v1.')
}
