import type { LoadPlan } from '../load/load-plan.ts'
import type { LoadReport } from '../load/load-report.ts'
import { OperatorError } from '../platform/operator-error.ts'
import type { CliHost } from './cli-host.ts'
import { LiveLine, terminalOf } from './live-line.ts'
import { renderLoadProgress, renderLoadReport, renderLoadStart } from './load-text.ts'

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

function refuseFruitless({ requests, ended, target }: LoadReport): void {
  if (requests.ok > 0) return
  const advice =
    ended === 'unreachable'
      ? 'Look whether it still runs.'
      : requests.limited > 0
        ? 'Give the deployment higher limits, or send less.'
        : requests.failed > 0
          ? 'Mend what the report names first.'
          : 'Let it run for longer (--duration).'
  throw new OperatorError(
    'LOAD_FAILED',
    `Could not get one good answer from ${new URL(target.address).origin} (got ${requests.limited} of 429, ${requests.failed} failures, ${requests.unfinished} without an end). ${advice}`,
  )
}
