import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageFolder } from './built-program.ts'
import { isInstalled } from './installed-tool.ts'

/** What a script prints to, and how it ended. */
export interface ScriptEnd {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How a script is run. */
export interface ScriptOptions {
  readonly args?: readonly string[]
  /** Variables beside PATH, HOME and those of the fakes. */
  readonly env?: Readonly<Record<string, string>>
  /** Text of the file `.env`. Default: no such file. */
  readonly envFile?: string
  /** Which tools of the cloud there are; all of them by default. */
  readonly tools?: readonly CloudTool[]
  /** Where the fakes say that the simulator is. */
  readonly url?: string
  /** A part of the call that fails, such as `az acr build`. */
  readonly failOn?: string
}

/** Tools that a fake replaces. */
export type CloudTool = 'az' | 'terraform' | 'helm' | 'kubectl'

const cloudTools: readonly CloudTool[] = ['az', 'terraform', 'helm', 'kubectl']

/** What the scripts use of the system: nothing else is found, so that a real `az` can never be called. */
const systemTools =
  'bash sh env sed grep date mktemp rm cat cp dirname basename head tr sleep wc find touch'.split(' ')

/** A copy of the deploy scripts in a separate folder, with tools that only log their calls. */
export class FakeTools implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'deploy-scripts-'))
  private readonly log = join(this.folder, 'calls.log')
  private readonly kept = join(this.folder, 'kept')

  constructor() {
    for (const name of ['scripts', 'kept', 'temporary']) mkdirSync(join(this.folder, name))
    for (const name of readdirSync(join(packageFolder, 'scripts')).filter((file) => file.endsWith('.sh'))) {
      copyFileSync(join(packageFolder, 'scripts', name), join(this.folder, 'scripts', name))
    }
    copyFileSync(join(packageFolder, 'sample.env'), join(this.folder, 'sample.env'))
    this.write('Dockerfile', 'FROM scratch\n')
    this.write('.dockerignore', '.env\nnode_modules\n')
  }

  /** Writes a file of the copy; the path is relative to its root. */
  write(path: string, text: string): void {
    writeFileSync(join(this.folder, path), text)
  }

  /** Whether there is such a file. */
  has(path: string): boolean {
    return existsSync(join(this.folder, path))
  }

  /** The calls of all runs, one each, with the folder of temporary files written as `<temporary>`. */
  calls(): string[] {
    return this.readLines(this.log).map((line) => this.shorten(line))
  }

  /** Arguments that curl was called with. */
  curlCalls(): string[] {
    return this.readLines(`${this.log}.curl`)
  }

  /** Files that were passed to a tool and that other users could read. */
  readableFiles(): string[] {
    return this.readLines(`${this.log}.readable`)
  }

  /** The texts of the files that were passed to tools, in the order of the calls. */
  handedFiles(name: string): string[] {
    return readdirSync(this.kept)
      .filter((file) => file.endsWith(`-${name}`))
      .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
      .map((file) => readFileSync(join(this.kept, file), 'utf8'))
  }

  /** Temporary files that are still there. */
  leftovers(): string[] {
    return readdirSync(join(this.folder, 'temporary'))
  }

  /** Runs one of the scripts. */
  async run(script: string, options: ScriptOptions = {}): Promise<ScriptEnd> {
    rmSync(join(this.folder, '.env'), { force: true })
    if (options.envFile !== undefined) this.write('.env', options.envFile)
    const child = spawn('bash', [join(this.folder, 'scripts', script), ...(options.args ?? [])], {
      cwd: this.folder,
      env: {
        PATH: this.linkTools(options.tools ?? cloudTools),
        HOME: this.folder,
        TMPDIR: join(this.folder, 'temporary'),
        FAKE_LOG: this.log,
        FAKE_FILES: this.kept,
        FAKE_URL: options.url ?? '',
        FAKE_FAIL: options.failOn ?? '',
        SMOKE_PAUSE_SECONDS: '0.05',
        SMOKE_WAIT_SECONDS: '5',
        DEPLOY_PAUSE_SECONDS: '0',
        DEPLOY_IMAGE_TAG: 'test',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => (stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', resolve)
    })
    return { code, stdout: this.shorten(stdout), stderr: this.shorten(stderr) }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** A folder with what a script may find: the system's tools, a curl that writes down its arguments, and the fakes. */
  private linkTools(tools: readonly CloudTool[]): string {
    const folder = mkdtempSync(join(this.folder, 'bin-'))
    for (const name of systemTools) symlinkSync(pathOf(name), join(folder, name))
    if (isInstalled('curl')) {
      const curl = join(folder, 'curl')
      writeFileSync(
        curl,
        `#!${pathOf('bash')}\nprintf '%s\\n' "$*" >>"$FAKE_LOG.curl"\nexec ${pathOf('curl')} "$@"\n`,
      )
      chmodSync(curl, 0o755)
    }
    for (const name of tools)
      symlinkSync(join(packageFolder, 'tests/support/fake-tools/fake-tool.sh'), join(folder, name))
    return folder
  }

  private readLines(path: string): string[] {
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []
  }

  private shorten(text: string): string {
    return text
      .replaceAll(
        /\S*\/temporary\/aoai-deploy\.\w+/g,
        (found) => `${found.startsWith('@') ? '@' : prefixOf(found)}<work>`,
      )
      .replaceAll(this.folder, '<root>')
  }
}

/** The part before the path in an argument such as `-out=/tmp/...`. */
function prefixOf(argument: string): string {
  return /^-[\w-]+=/.exec(argument)?.[0] ?? ''
}

const paths = new Map<string, string>()

/** Where a tool of this machine is; looked for once. */
function pathOf(tool: string): string {
  if (paths.size === 0) {
    const names = [...systemTools, 'curl']
    const look = 'for name; do type -P "$name" || echo; done'
    const found = execFileSync('bash', ['-c', look, 'bash', ...names], { encoding: 'utf8' })
    found.split('\n').forEach((path, index) => paths.set(names[index] ?? '', path))
  }
  return paths.get(tool) ?? tool
}
