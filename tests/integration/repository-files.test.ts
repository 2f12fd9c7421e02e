import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { packageFolder } from '../support/built-program.ts'
import { findFileLinks } from '../support/document-blocks.ts'

const run = promisify(execFile)

const read = (path: string): string => readFileSync(join(packageFolder, path), 'utf8')
const inFolder = (path: string): string => path.replace('${workspaceFolder}', packageFolder)

describe('.vscode', () => {
  const { configurations } = JSON.parse(read('.vscode/launch.json')) as { configurations: Launch[] }
  const launches = configurations.filter(({ request }) => request === 'launch')

  it.each(launches)(
    'launch.json starts a program that there is: $name',
    async ({ program, runtimeArgs, cwd }) => {
      const args = [...(runtimeArgs ?? []), inFolder(program), '--help']
      const { stdout } = await run(process.execPath, args, { cwd: inFolder(cwd) })
      expect(stdout).toMatch(/usage/i)
    },
  )

  it('launch.json sets only existing settings', () => {
    const names = launches.flatMap(({ env }) => Object.keys(env ?? {}))
    expect(names.length).toBeGreaterThan(0)
    const settings = read('sample.env')
    expect(names.filter((name) => !new RegExp(`^#? ?${name}=`, 'm').test(settings))).toEqual([])
  })

  it('launch.json attaches to the port that node --inspect listens on by default', () => {
    const attach = configurations.find(({ request }) => request === 'attach')
    expect(attach).toMatchObject({ port: 9229 })
  })

  it.each(['extensions.json', 'settings.json'])('%s is JSON without comments', (name) => {
    expect(JSON.parse(read(`.vscode/${name}`))).toBeInstanceOf(Object)
  })
})

describe('.github', () => {
  const forms = readdirSync(join(packageFolder, '.github/ISSUE_TEMPLATE')).map(
    (name) => `.github/ISSUE_TEMPLATE/${name}`,
  )
  const texts = [
    ...forms,
    '.github/dependabot.yml',
    '.github/pull_request_template.md',
    '.github/workflows/test.yml',
    'SECURITY.md',
  ]

  it.each(forms)('%s is an issue form with an id and a label for each field', (path) => {
    const { name, description, labels, body } = parse(read(path)) as IssueForm
    expect([name, description]).toEqual([expect.any(String), expect.any(String)])
    // Labels that GitHub creates in each new repository. Others are dropped silently.
    const known = new Set([
      'bug',
      'documentation',
      'duplicate',
      'enhancement',
      'good first issue',
      'help wanted',
      'invalid',
      'question',
      'wontfix',
    ])
    expect(labels.filter((label) => !known.has(label))).toEqual([])
    const fields = body.filter(({ type }) => type !== 'markdown')
    expect(fields.length).toBeGreaterThan(0)
    expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length)
    const types = new Set(['input', 'textarea', 'dropdown', 'checkboxes'])
    const wrong = body.filter(({ type, id = '', attributes: { label, value } }) => {
      if (type === 'markdown') return !value
      return !types.has(type) || !/^[\w-]+$/.test(id) || !label
    })
    expect(wrong).toEqual([])
  })

  it('dependabot.yml updates each kind of dependency in groups', () => {
    const { version, updates } = parse(read('.github/dependabot.yml')) as {
      version: number
      updates: Update[]
    }
    expect(version).toBe(2)
    expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions', 'docker'])
    for (const { directory, groups } of updates) {
      expect(directory).toBe('/')
      expect(Object.keys(groups).length).toBeGreaterThan(0)
    }
  })

  it('dependabot.yml ignores only packages that are used', () => {
    const { updates } = parse(read('.github/dependabot.yml')) as { updates: Update[] }
    const { devDependencies } = JSON.parse(read('package.json')) as {
      devDependencies: Record<string, string>
    }
    const used = [...Object.keys(devDependencies), ...(/library\/(node):/.exec(read('Dockerfile')) ?? [])]
    const ignored = updates.flatMap(({ ignore = [] }) => ignore.map((entry) => entry['dependency-name']))
    expect(ignored.length).toBeGreaterThan(0)
    expect(ignored.filter((name) => !used.some((one) => one.startsWith(name.replace('*', ''))))).toEqual([])
  })

  it.each(texts)('%s names only make targets and files that exist', (path) => {
    const text = read(path)
    const targets = [...text.matchAll(/(?:`|run: )make ([a-z][a-z -]*[a-z])/g)].flatMap(([, names = '']) =>
      names.split(' '),
    )
    const listed = new Set(
      [...read('Makefile').matchAll(/^([a-z0-9-]+):.*## /gm)].map(([, target]) => target),
    )
    expect(targets.filter((target) => !listed.has(target))).toEqual([])
    const files = [
      ...text.matchAll(/\b(?:docs\/[\w./-]+\.md|[A-Z]+\.md)\b/g),
      ...text.matchAll(/^ +run: bash (\S+)$/gm),
    ]
    const named = [...files.map(([whole, file]) => file ?? whole), ...findFileLinks(text)]
    expect(named.filter((file) => !existsSync(join(packageFolder, file)))).toEqual([])
  })
})

interface Launch {
  readonly request: 'launch' | 'attach'
  readonly program: string
  readonly cwd: string
  readonly runtimeArgs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface IssueForm {
  readonly name: unknown
  readonly description: unknown
  readonly labels: readonly string[]
  readonly body: readonly {
    readonly type: string
    readonly id?: string
    readonly attributes: { readonly label?: string; readonly value?: string }
  }[]
}

interface Update {
  readonly 'package-ecosystem': string
  readonly directory: string
  readonly groups: object
  readonly ignore?: readonly { readonly 'dependency-name': string }[]
}
