import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const builtProgram = 'dist/cli/main.js'

/** Runs once before the end-to-end tests, so that they never judge a build that is older than the source. */
export function setup(): void {
  const built = statSync(builtProgram, { throwIfNoEntry: false })
  if (!built)
    throw new Error(`Could not find ${builtProgram}, which the end-to-end tests start. Run make build.`)
  const newer = sourceFiles().find((path) => statSync(path).mtimeMs > built.mtimeMs)
  if (newer) throw new Error(`Could not trust dist/: ${newer} is newer than the build. Run make build.`)
}

function sourceFiles(): string[] {
  return ['src', 'ui'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(?:tsx?|css|html)$/.test(path) && !path.endsWith('.test.ts'))
      .map((path) => join(folder, path)),
  )
}
