import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { packageFolder, startByShell, type RunningProgram } from '../support/built-program.ts'
import { findBlocks, findFileLinks, isAsDocumented, type DocumentBlock } from '../support/document-blocks.ts'

const runFile = promisify(execFile)

/** The build is there already, and is what the tests judge: make must not build it again. */
const makeWithoutBuild = 'make() { command make --no-print-directory --old-file=build "$@"; }'
const planMake = 'make() { command make --no-print-directory --dry-run "$@"; }'
/** A document shows the commands as a user types them; a request that fails must fail the test. */
const quietCurl = 'curl() { command curl --silent --show-error "$@"; }'

/** Guides by subject mark the commands that are run; numbered ones consist of them. */
function hasCommands(path: string): boolean {
  return path.endsWith('.md') && /^```\w+ (start|run)$/m.test(readFileSync(path, 'utf8'))
}

const documents = [
  'README.md',
  ...readdirSync(join(packageFolder, 'docs'))
    .filter((file) => /^\d\d-.*\.md$/.test(file) || hasCommands(join(packageFolder, 'docs', file)))
    .map((file) => `docs/${file}`),
]

/** Carries out the blocks of one document one after the other. */
class Reader {
  /** What documents write as /tmp. */
  readonly folder = mkdtempSync(join(tmpdir(), 'aoai-docs-'))
  #program: RunningProgram | undefined
  #printed = ''

  async read(block: DocumentBlock): Promise<void> {
    const { language, use } = block
    if (use === 'output') this.#compare(block)
    else if (use === 'start') await this.#start(block)
    else if (use === 'dry-run') this.#printed = await this.#shell(`${planMake}\n${block.text}`)
    else if (language === 'bash') this.#printed = await this.#shell(`${quietCurl}\n${this.#text(block)}`)
    else if (language === 'js') this.#printed = await this.#script(this.#text(block))
    else throw new Error(`Line ${block.line}: nothing is known about ${language} ${use}.`)
  }

  async close(): Promise<void> {
    await this.#program?.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #text({ text }: DocumentBlock): string {
    return (
      text
        .replaceAll('http://127.0.0.1:8000', this.#program?.url ?? 'http://127.0.0.1:8000')
        .replaceAll('/tmp/', `${this.folder}/`)
        // What users have on their path is the build here.
        .replace(/^aoai-sim /gm, `node ${join(packageFolder, 'dist/cli/main.js')} `)
    )
  }

  async #start(block: DocumentBlock): Promise<void> {
    await this.#program?.stop()
    // The port of the document may be taken on this machine.
    this.#program = await startByShell(`${makeWithoutBuild}\nexport PORT=0\n${this.#text(block)}`)
    this.#printed = this.#program.stdout()
  }

  #compare({ text, line }: DocumentBlock): void {
    if (isAsDocumented(this.#printed, text)) return
    throw new Error(`Line ${line} shows what is not printed. Printed was:
${this.#printed}`)
  }

  async #shell(script: string): Promise<string> {
    const { stdout } = await runFile('bash', ['-euo', 'pipefail', '-c', script], { cwd: packageFolder })
    return stdout
  }

  async #script(text: string): Promise<string> {
    const args = ['--input-type=module', '--eval', text]
    const { stdout } = await runFile(process.execPath, args, { cwd: packageFolder })
    return stdout
  }
}

describe.each(documents)('%s', (document) => {
  const markdown = readFileSync(join(packageFolder, document), 'utf8')

  it('shows commands that work, and what they really print', async () => {
    const reader = new Reader()
    try {
      for (const block of findBlocks(markdown)) await reader.read(block)
    } finally {
      await reader.close()
    }
    expect(existsSync(reader.folder)).toBe(false)
  })

  it('links only to files that are there', () => {
    const folder = dirname(join(packageFolder, document))
    expect(findFileLinks(markdown).filter((target) => !existsSync(join(folder, target)))).toEqual([])
  })
})

describe('docs/README.md', () => {
  const index = readFileSync(join(packageFolder, 'docs/README.md'), 'utf8')

  it('lists every document and every decision', () => {
    const files = readdirSync(join(packageFolder, 'docs'), { recursive: true, encoding: 'utf8' })
    const listed = findFileLinks(index)
    const missing = files.filter(
      (file) => file.endsWith('.md') && file !== 'README.md' && !listed.includes(file),
    )
    expect(missing).toEqual([])
  })

  it('links only to files that are there', () => {
    const missing = findFileLinks(index).filter((target) => !existsSync(join(packageFolder, 'docs', target)))
    expect(missing).toEqual([])
  })
})
