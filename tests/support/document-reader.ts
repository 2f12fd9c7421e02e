import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  packageFolder,
  startByShell,
  startInProcess,
  startProgram,
  type RunningProgram,
} from './built-program.ts'
import { isAsDocumented, type DocumentBlock } from './document-blocks.ts'
import { ScriptRunner } from './script-runner.ts'
import { findCallProblem, findVariableProblem } from './stand-in-calls.ts'
import { standInKey, StandIns } from './stand-ins.ts'

const runFile = promisify(execFile)

/** The build is there already, and is what the tests judge: make must not build it again. */
const makeWithoutBuild = 'make() { command make --no-print-directory --old-file=build "$@"; }'
const planMake = 'make() { command make --no-print-directory --dry-run "$@"; }'
/** A document shows the commands as a user types them; a request that fails must fail the test. */
const quietCurl = 'curl() { command curl --silent --show-error "$@"; }'
/** What users have on their path is the build here. */
const builtProgram = `aoai-sim() { node '${join(packageFolder, 'dist/cli/main.js')}' "$@"; }`

/** A block with a start in its last line, and without settings of the whole process: extensions and the log. */
const plainStart = /^(?![^]*(EXTENSION_PATH|LOG_LEVEL))[^]*\b(make run|aoai-sim)\n$/

/** Prints the exported variables instead of a start. */
const printVariables = `print_variables() {
  local name
  for name in $(compgen -e); do printf '%s=%s\\0' "$name" "\${!name}"; done
}
make() { print_variables; }
aoai-sim() { print_variables; }`

/** The port of a simulator that does not say which. */
const usualPort = '8000'

/** Runs the blocks of one document one after another, as a reader would. */
export class DocumentReader {
  /** What documents write as /tmp. */
  readonly folder = mkdtempSync(join(tmpdir(), 'aoai-docs-'))
  /** What runs, by the port that the document gives it. That port may be taken on this machine, so each gets another. */
  readonly #programs = new Map<string, RunningProgram>()
  #scripts: ScriptRunner | undefined
  #standIns: StandIns | undefined
  #deployed: RunningProgram | undefined
  #printed = ''
  readonly #startsProcesses: boolean

  /** @param startsProcesses - whether each start is a process: otherwise plain ones are carried out in this process, which takes less time */
  constructor(startsProcesses: boolean) {
    this.#startsProcesses = startsProcesses
  }

  /** @throws {Error} with the line of the block, where it fails or prints something else than the document says */
  async read(block: DocumentBlock): Promise<void> {
    const { language, use, line } = block
    try {
      const problem = language === 'bash' ? findVariableProblem(block.text) : ''
      if (problem !== '') throw new Error(problem)
      if (use === 'output') this.#compare(block)
      else if (use === 'original') this.#printed = ''
      else if (use === 'start') await this.#start(block)
      else if (use === 'needs') await this.#pretend(block)
      else if (use === 'dry-run') this.#printed = await this.#shell(`${planMake}\n${block.text}`)
      else if (language === 'bash') {
        this.#printed = await this.#shell(
          [makeWithoutBuild, quietCurl, builtProgram, this.#text(block)].join('\n'),
        )
      } else if (language === 'js') this.#printed = await this.#script(this.#text(block))
      else throw new Error(`Nothing is known about ${language} ${use}.`)
    } catch (error) {
      throw new Error(`Line ${line}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  }

  /** Ends what was started, and removes the folder. */
  async close(): Promise<void> {
    const programs = [...this.#programs.values(), ...(this.#deployed ? [this.#deployed] : [])]
    await Promise.all(programs.map(async (program) => program.stop()))
    this.#standIns?.[Symbol.dispose]()
    await this.#scripts?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #text({ text }: DocumentBlock): string {
    let replaced = text.replaceAll('/tmp/', `${this.folder}/`)
    for (const [port, { url }] of this.#programs) {
      replaced = replaced.replaceAll(`${new URL(url).protocol}//127.0.0.1:${port}`, url)
    }
    return replaced
  }

  async #start(block: DocumentBlock): Promise<void> {
    const ownPort = /\bPORT=(\d+)/
    const port = ownPort.exec(block.text)?.[1] ?? usualPort
    await this.#programs.get(port)?.stop()
    this.#programs.delete(port)
    const text = this.#text(block).replace(ownPort, 'PORT=0')
    const program =
      this.#startsProcesses || !plainStart.test(text)
        ? await startByShell(`${makeWithoutBuild}\n${builtProgram}\nexport PORT=0\n${text}`)
        : await startInProcess({ folder: packageFolder, env: await this.#variables(text) })
    this.#programs.set(port, program)
    this.#printed = program.stdout()
  }

  /** The environment in which a block starts the simulator. */
  async #variables(text: string): Promise<Record<string, string>> {
    const printed = await this.#shell(`${printVariables}\nexport PORT=0\n${text}`)
    const pairs = [...printed.matchAll(/(\w+)=([^\0]*)\0/g)].map(([, name = '', value = '']) => [name, value])
    // An empty value is the default.
    return { SIMULATOR_API_KEY: '', LATENCY_TIME_SCALE: '', ...Object.fromEntries(pairs) }
  }

  async #pretend({ text, tools }: DocumentBlock): Promise<void> {
    if (/^make deploy-/m.test(text)) {
      this.#deployed ??= await startProgram({ env: { SIMULATOR_API_KEY: standInKey } })
    }
    this.#standIns ??= new StandIns()
    const { code, stdout, stderr, calls, missing } = await this.#standIns.run(text, tools, this.#deployed)
    if (missing.length > 0)
      throw new Error(`The document does not name its requirement ${missing.join(', ')}.`)
    if (code !== 0) throw new Error(`It ended with ${code}.\n${stdout}${stderr}`)
    const unused = tools.filter((tool) => !calls.some((call) => call.split(' ')[0] === tool))
    if (unused.length > 0) throw new Error(`It does not need ${unused.join(', ')}.`)
    const problem = calls.map(findCallProblem).find((found) => found !== '')
    if (problem !== undefined) throw new Error(problem)
    this.#printed = stdout
  }

  #compare({ text }: DocumentBlock): void {
    if (isAsDocumented(this.#printed, text)) return
    throw new Error(`It shows what is not printed. Printed was:\n${this.#printed}`)
  }

  async #shell(script: string): Promise<string> {
    const { stdout } = await runFile('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
      cwd: packageFolder,
    })
    return stdout
  }

  async #script(text: string): Promise<string> {
    this.#scripts ??= new ScriptRunner()
    return this.#scripts.run(text)
  }
}
