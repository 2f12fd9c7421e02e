import { cpSync, existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolder, type RunningProgram } from './built-program.ts'
import { FakeTools, type ScriptEnd } from './fake-tools.ts'

/** How commands of a document ended that were given stand-ins. */
export interface StandInEnd extends ScriptEnd {
  /** How the stand-ins were called, in their order, such as `docker build --tag aoai-simulated-api .`. */
  readonly calls: readonly string[]
  /** Programs that the commands asked for, and that neither the document names nor every system has. */
  readonly missing: readonly string[]
}

const fakeTool = join(packageFolder, 'tests/support/fake-tools/fake-tool.sh')

/** What a reader of the documents has beside the programs that a block names. */
const realTools = ['make', 'node', 'tar', 'mkdir', 'ls', 'id'] as const

/** What commands of the documents name. */
const copied = ['Makefile', 'Dockerfile', 'infra', 'examples', 'recordings'] as const

/** Keys are made by openssl; the simulator that deployments are tried on has this one. */
export const standInKey = '0123456789abcdef0123456789abcdef'

/**
 * A copy of what commands of a document name (the Makefile, the scripts, infra), among stand-ins for the programs that are not at
 * hand: these write down how they are called. The deploy scripts are the real ones. What one block leaves, the next one finds.
 */
export class StandIns implements Disposable {
  readonly #fakes = new FakeTools()
  readonly #missing = join(this.#fakes.folder, 'missing.log')

  constructor() {
    for (const name of copied) {
      cpSync(join(packageFolder, name), join(this.#fakes.folder, name), { recursive: true })
    }
  }

  /**
   * Runs one block.
   *
   * @param tools the programs that get stand-ins
   * @param simulator what a deployment finds at its address; its key is `standInKey`
   */
  async run(text: string, tools: readonly string[], simulator?: RunningProgram): Promise<StandInEnd> {
    const { folder } = this.#fakes
    const callsBefore = this.#fakes.calls().length
    const preparation = `set -euo pipefail
PATH="$STAND_INS:$PATH"
command_not_found_handle() { echo "$1" >>'${this.#missing}'; return 127; }
cd '${folder}'
`
    const local = text.replaceAll('/tmp/', `${folder}/temporary/`)
    this.#fakes.write('scripts/block.sh', `${preparation}${local}\nwait\n`)
    const settings = join(folder, '.env')
    const end = await this.#fakes.run('block.sh', {
      tools: [],
      envFile: existsSync(settings) ? readFileSync(settings, 'utf8') : '',
      env: {
        STAND_INS: this.#link(tools),
        ...(simulator && { DEPLOY_LOCAL_PORT: String(simulator.port) }),
      },
      url: simulator?.url ?? '',
    })
    const missing = existsSync(this.#missing) ? readFileSync(this.#missing, 'utf8').split('\n') : []
    return { ...end, calls: this.#fakes.calls().slice(callsBefore), missing: missing.filter(Boolean) }
  }

  [Symbol.dispose](): void {
    this.#fakes[Symbol.dispose]()
  }

  /** A folder for the path, with stand-ins and with what is real. */
  #link(tools: readonly string[]): string {
    const folder = mkdtempSync(join(this.#fakes.folder, 'stand-ins-'))
    const system = (process.env['PATH'] ?? '').split(':')
    for (const name of realTools) {
      const found = system.map((path) => join(path, name)).find((path) => existsSync(path))
      if (found && !tools.includes(name)) symlinkSync(found, join(folder, name))
    }
    for (const name of tools) symlinkSync(fakeTool, join(folder, name))
    writeFileSync(join(folder, 'openssl'), `#!/usr/bin/env bash\necho ${standInKey}\n`, { mode: 0o755 })
    return folder
  }
}
