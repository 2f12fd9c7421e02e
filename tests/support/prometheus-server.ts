import { setTimeout as sleep } from 'node:timers/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prometheusFolder } from './dashboard.ts'
import { freePort } from './free-port.ts'
import { needs } from './installed-tool.ts'

/** A Prometheus on this machine. `await using` ends it and removes what it has stored. */
export interface PrometheusServer extends AsyncDisposable {
  /** Evaluates a query at this moment, and gives the series with their values. */
  query(expr: string): Promise<readonly PrometheusSeries[]>
  /** The names of the alerts that it knows, and what keeps any of them from being evaluated. */
  rules(): Promise<{ readonly name: string; readonly lastError?: string }[]>
}

/** One series of an answer. */
export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

const program = 'prometheus'

/** What tests against one need. */
export const prometheusNeed = needs(program)

/**
 * Starts Prometheus on a free port of the loopback address, and waits for its first look at the target. It has the
 * configuration of infra/ but for two things: it scrapes `target` (host and port), five times a second, and evaluates the rules
 * each second.
 */
export async function startPrometheus(target: string): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
  const config = readFileSync(join(prometheusFolder, 'prometheus.yml'), 'utf8')
    .replace('simulator:8000', target)
    .replace(/scrape_interval: \d+s/, 'scrape_interval: 200ms')
    .replace(/evaluation_interval: \d+s/, 'evaluation_interval: 1s')
  writeFileSync(join(folder, 'prometheus.yml'), config)
  copyFileSync(join(prometheusFolder, 'alerts.yml'), join(folder, 'alerts.yml'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(
    program,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let printed = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    // It has nothing to save.
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${url}${path}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(answer.error)
    return answer.data
  }

  const query = async (expr: string): Promise<readonly PrometheusSeries[]> =>
    (await ask<{ result: PrometheusSeries[] }>(`/api/v1/query?query=${encodeURIComponent(expr)}`)).result

  // It takes up new targets each five seconds only, those of its start included.
  const limitMs = Date.now() + 15_000
  while (!(await query('up == 1').catch(() => [])).length) {
    if (child.exitCode !== null || Date.now() > limitMs) {
      await stop()
      throw new Error(`Prometheus does not scrape ${target}. It printed:\n${printed}`)
    }
    await sleep(50)
  }
  return {
    query,
    rules: async () =>
      (
        await ask<{ groups: { rules: { name: string; lastError?: string }[] }[] }>('/api/v1/rules')
      ).groups.flatMap((group) => group.rules),
    [Symbol.asyncDispose]: stop,
  }
}
