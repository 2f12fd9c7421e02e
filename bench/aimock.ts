import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findFreePort } from './processes.ts'
import { running, type Server } from './servers.ts'

/** The version of `@copilotkit/aimock` that is measured. */
export const aimockVersion = '1.43.0'

const installTimeoutMs = 60_000
const caches = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const folder = join(caches, 'aoai-simulated-api', `aimock-${aimockVersion}`)
const program = join(folder, 'node_modules/@copilotkit/aimock/dist/cli.js')

/**
 * Installs aimock into the user's cache, unless it is installed. It is only used for comparison, so it is not a
 * dependency of the project.
 *
 * @returns why it could not be installed; undefined on success
 */
export function installAimock(): string | undefined {
  if (existsSync(program)) return undefined
  const temporary = `${folder}.${process.pid}`
  mkdirSync(temporary, { recursive: true })
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', temporary]
  const result = spawnSync('npm', [...args, `@copilotkit/aimock@${aimockVersion}`], {
    encoding: 'utf8',
    timeout: installTimeoutMs,
    // Not the folder of the project, because npm must not change its package.json.
    cwd: temporary,
  })
  if (result.status === 0) {
    rmSync(folder, { recursive: true, force: true })
    renameSync(temporary, folder)
    return undefined
  }
  rmSync(temporary, { recursive: true, force: true })
  const reason = result.error?.message ?? /npm error (.+)/.exec(result.stderr)?.[1]
  return `npm could not install @copilotkit/aimock@${aimockVersion}: ${reason ?? 'no reason given'}`
}

/** Starts aimock with fixtures. It sends streams in pieces of about one token each, like the simulator. */
export async function startAimock(
  fixtures: readonly object[],
  options: { readonly folder: string; readonly core: string | undefined },
): Promise<Server> {
  const file = join(options.folder, 'aimock.json')
  writeFileSync(file, JSON.stringify({ fixtures }))
  const port = await findFreePort()
  const shape = ['--log-level', 'silent', '--chunk-size', '5']
  const command = [process.execPath, program, '-h', '127.0.0.1', '-p', String(port), '-f', file, ...shape]
  return running(command, port, { core: options.core, cwd: options.folder })
}
