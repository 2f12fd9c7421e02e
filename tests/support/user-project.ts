import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageFolder } from './built-program.ts'

/** A project that has the package installed, as a user has it. */
export interface UserProject extends Disposable {
  readonly folder: string
}

/**
 * Copies an example to a separate folder. The package in its node_modules is the build; its other packages, and what they
 * need, are those of this repository.
 */
export function createUserProject(example: string): UserProject {
  const folder = mkdtempSync(join(tmpdir(), 'aoai-example-'))
  cpSync(join(packageFolder, 'examples', example), folder, { recursive: true })
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  linkAll(join(packageFolder, 'node_modules'), modules)
  rmSync(join(modules, '.bin'))
  mkdirSync(join(modules, '.bin'))
  linkAll(join(packageFolder, 'node_modules/.bin'), join(modules, '.bin'))
  const own = join(modules, 'aoai-simulated-api')
  // A copy and no link: behind a link, tools would take the package for a part of the project, and translate it.
  for (const part of ['package.json', 'dist']) {
    cpSync(join(packageFolder, part), join(own, part), { recursive: true })
  }
  // As npm does when it installs a package.
  chmodSync(join(own, 'dist/cli/main.js'), 0o755)
  symlinkSync('../aoai-simulated-api/dist/cli/main.js', join(modules, '.bin/aoai-sim'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

function linkAll(from: string, to: string): void {
  for (const name of readdirSync(from)) symlinkSync(join(from, name), join(to, name))
}
