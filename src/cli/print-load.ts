import type { LoadPlan } from '../load/load-plan.ts'
import type { LoadReport } from '../load/load-report.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { CliHost } from './cli-host.ts'
import { LiveLine, terminalOf } from './live-line.ts'
import { inOneLine, renderLoadProgress, renderLoadReport, renderLoadStart } from './load-text.ts'

/**
 * Runs a plan and prints the report. Ctrl-C ends the run early.
 *
 * @throws {OperatorError} LOAD_FAILED if the target does not answer, or no request succeeded
 */
export async function printLoad(host: CliHost, plan: LoadPlan, isJson: boolean): Promise<void> {
  const { stdout, stderr, signals } = host
  // Loaded here to keep the start of the simulator fast.
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
  failWithoutSuccess(report)
}

function failWithoutSuccess(report: LoadReport): void {
  const { requests, refusal, target } = report
  if (requests.ok > 0) return
  const origin = new URL(target.address).origin
  const got = refusal
    ? `${refusal.count} times ${refusal.reason}${refusal.example === '' ? '' : `: ${inOneLine(refusal.example).replace(/\.$/, '')}`}`
    : `${requests.limited} of 429, ${requests.failed} failures, ${requests.unfinished} unfinished`
  throw new OperatorError(
    'LOAD_FAILED',
    `Could not get a successful answer from ${origin} (got ${got}). ${adviceOn(report)}`,
  )
}

function adviceOn({ requests, refusal, ended, target }: LoadReport): string {
  if (ended === 'unreachable') return 'Check whether it is running.'
  if (refusal?.reason === '401') return 'Set --api-key or SIMULATOR_API_KEY to the key of that endpoint.'
  if (refusal?.reason === '403') {
    return 'Check the networks, firewall rules and roles that the endpoint allows.'
  }
  if (refusal) {
    return `Set --deployment to an existing one (got ${target.deployment}), or correct --url, --operation or --api-version.`
  }
  if (requests.limited > 0) return 'Increase the limits of the deployment, or send less.'
  return requests.failed > 0 ? 'Fix the first failure in the report.' : 'Increase --duration.'
}
