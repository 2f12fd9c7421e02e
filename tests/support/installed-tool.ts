import { spawnSync } from 'node:child_process'

/** How a tool of this machine ended. */
export interface ToolEnd {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Whether a tool that not everybody has, such as helm, can be started here. */
export function isInstalled(tool: string): boolean {
  return spawnSync(tool, ['--version']).error === undefined
}

/** Runs such a tool and waits. */
export function runTool(tool: string, args: readonly string[], folder = '.'): ToolEnd {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}
