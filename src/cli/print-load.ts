import type { LoadPlan } from '../load/load-plan.ts'
import type { LoadReport } from '../load/load-report.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { CliHost } from './cli-host.ts'
import { LiveLine, terminalOf } from './live-line.ts'
import { inOneLine, renderLoadProgress, renderLoadReport, renderLoadStart } from './load-text.ts'

/**
 * Sends the load of a plan and prints what was measured. Ctrl-C ends it early.
 *
 * @throws {OperatorError} LOAD_FAILED when nothing answers, or no request succeeded
 */
export async function printLoad(host: CliHost, plan: LoadPlan, isJson: boolean): Promise<void> {
  const { stdout, stderr, signals } = host
  // What it stands on is not loaded when the simulator starts.
  const { runLoad } = await import('../load/run-load.ts')
  const abort = new AbortController()
  const stop = (): void => abort.abort()
  signals.on('SIGINT', stop)
  signals.on('SIGTERM', stop)
  const terminal = terminalOf(stderr)
  terminal?.write(`${renderLoadStart(plan)}\n`)
  const line = terminal && new LiveLine(terminal)
  let report: LoadReport
  try {
    report = await runLoad(plan, {
      signal: abort.signal,
      onWarning: (text) => stderr.write(`${inOneLine(text)}\n`),
      ...(line && { onProgress: (progress) => line.show(renderLoadProgress(progress)) }),
    })
  } finally {
    signals.off('SIGINT', stop)
    signals.off('SIGTERM', stop)
    line?.end()
  }
  const lines = isJson ? [JSON.stringify(report, null, 2)] : renderLoadReport(report)
  stdout.write(`${lines.join('\n')}\n`)
  refuseFruitless(report)
}

function refuseFruitless(report: LoadReport): void {
  const { requests, refusal, target } = report
  if (requests.ok > 0) return
  const origin = new URL(target.address).origin
  const got = refusal
    ? `${refusal.count} times ${refusal.reason}${refusal.example === '' ? '' : `: ${inOneLine(refusal.example).replace(/\.$/, '')}`}`
    : `${requests.limited} of 429, ${requests.failed} failures, ${requests.unfinished} without an end`
  throw new OperatorError(
    'LOAD_FAILED',
    `Could not get one good answer from ${origin} (got ${got}). ${adviceOn(report)}`,
  )
}

function adviceOn({ requests, refusal, ended, target }: LoadReport): string {
  if (ended === 'unreachable') return 'Look whether it still runs.'
  if (refusal?.reason === '401') return 'Set --api-key, or SIMULATOR_API_KEY, to the key of that endpoint.'
  if (refusal?.reason === '403') {
    return 'Look at the networks, the firewall and the roles that the endpoint lets in.'
  }
  if (refusal) {
    return `Set --deployment to one that exists there (got ${target.deployment}), or mend --url, --operation or --api-version.`
  }
  if (requests.limited > 0) return 'Give the deployment higher limits, or send less.'
  return requests.failed > 0 ? 'Mend what the report names first.' : 'Let it run for longer (--duration).'
}
