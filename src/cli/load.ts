import { type Command, InvalidArgumentError, Option } from 'commander'
import { drainSeconds, loadOperations, planLimits } from '../load/load-plan.ts'
import { workloadShapes } from '../load/workload-shapes.ts'
import type { CliHost } from './cli-host.ts'
import { parseNumber, parseSeconds, parseUrl, parseWhole } from './flag-values.ts'
import { createLoadPlan, type LoadOptions } from './load-options.ts'
import { printLoad } from './print-load.ts'

/** Adds `load`, which sends requests to an endpoint and measures what comes back. */
export function addLoadCommand(program: Command, host: CliHost): void {
  const { durationSeconds, warmupSeconds, connections, requestsPerSecond, tokens } = planLimits
  program
    .command('load')
    .description('Send load to an endpoint and measure what comes back (docs/load-testing.md).')
    .showHelpAfterError('Run aoai-sim load --help for the list of flags.')
    .option('--url <url>', 'where to send it', parseUrl, new URL('http://127.0.0.1:8000'))
    .option(
      '--api-key <key>',
      'the key there (default: SIMULATOR_API_KEY, which no other user of this machine can see)',
    )
    .option(
      '--allow-host <name>',
      'a host other than this machine that is yours to load: its name as in --url; real services bill each token',
    )
    .option('--deployment <name>', 'its deployment (default: one that fits the operation)')
    .addOption(
      new Option('--operation <name>', 'what to ask for').choices(loadOperations).default(loadOperations[0]),
    )
    .option('--stream', 'ask for streams, and measure the first token and the gaps')
    .option(
      '--api-version <version>',
      'a dated version, or v1 for the paths without one',
      parseVersion,
      '2024-10-21',
    )
    .option(
      '--connections <n>',
      'most requests at a time (default: 10; 100 with --rate)',
      parseWhole(connections),
    )
    .option(
      '--rate <n>',
      'requests a second, sent on time whether or not answers came (default: each connection sends when it has its answer)',
      parseNumber(requestsPerSecond),
    )
    .option(
      '--honor-retry-after',
      'let a connection rest after a 429 for as long as it says; not with --rate',
    )
    .addOption(
      new Option(
        '--duration <time>',
        `how long to send, as 30s, 5m or 1h, at most 1h; answers under way then have ${drainSeconds} s more`,
      )
        .argParser(parseSeconds(durationSeconds))
        .default(10, '10s'),
    )
    .addOption(
      new Option('--warmup <time>', 'how long to send before that, without counting')
        .argParser(parseSeconds(warmupSeconds))
        .default(0, '0s'),
    )
    .addOption(
      new Option('--workload <name>', 'sizes as in the published Azure traces').choices(
        Object.keys(workloadShapes),
      ),
    )
    .option(
      '--prompt-tokens <n>',
      'tokens of each prompt (default: 100, or the workload)',
      parseWhole(tokens),
    )
    .option('--max-tokens <n>', 'tokens of each answer (default: 100, or the workload)', parseWhole(tokens))
    .option('--json', 'print the report as JSON instead of a table')
    .allowExcessArguments(false)
    .action((_options: LoadOptions, command: Command) => {
      // --api-key is a flag of the program as well, and may stand before the command.
      const options = command.optsWithGlobals<LoadOptions>()
      return printLoad(host, createLoadPlan(host, options), options.json === true)
    })
}

function parseVersion(text: string): string {
  if (text === 'v1' || /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(text)) return text
  throw new InvalidArgumentError('Give a version such as 2024-10-21 or 2025-04-01-preview, or v1.')
}
