import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** How a tool of this machine ended. */
export interface ToolEnd {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What tests need of this machine. */
export interface Need {
  /** Whether the tests are to be skipped. */
  readonly isMissing: boolean
  /** What the title of such tests ends with: which programs are missing, or nothing. */
  readonly note: string
}

/** Programs that say their version in another way than by `--version`. */
const versionWords: Readonly<Record<string, string>> = { helm: 'version', openssl: 'version' }

const listed = new Map(
  readFileSync(new URL('../../.ci/programs', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, string] => {
      const [program = '', debianPackage = ''] = line.split(/ +/)
      return [program, debianPackage]
    }),
)

/** The programs that tests may need, with the Debian package of each; `-` if there is no package. */
export const testPrograms: ReadonlyMap<string, string> = listed

const known = new Map<string, boolean>()

/** Whether an optional program, such as helm, works here. */
export function isInstalled(tool: string): boolean {
  const found = known.get(tool) ?? spawnSync(tool, [versionWords[tool] ?? '--version']).status === 0
  known.set(tool, found)
  return found
}

/**
 * Finds out whether this machine has the programs that tests need.
 *
 * @throws {Error} for one that `.ci/programs` does not list, since CI would never install it
 */
export function needs(...programs: readonly string[]): Need {
  const unlisted = programs.find((program) => !listed.has(program))
  if (unlisted !== undefined) throw new Error(`Could not need ${unlisted}: list it in .ci/programs.`)
  return needOf(programs.filter((program) => !isInstalled(program)))
}

/** The need of tests that lack these programs; none of them is there where the list is empty. */
export function needOf(missing: readonly string[]): Need {
  const isMissing = missing.length > 0
  return { isMissing, note: isMissing ? ` (skipped: needs ${missing.join(', ')})` : '' }
}

/** Runs such a tool and waits. */
export function runTool(tool: string, args: readonly string[], folder = '.'): ToolEnd {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: 'utf8' })
  return { status, stdout, stderr }
}
