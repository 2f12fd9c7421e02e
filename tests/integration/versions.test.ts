import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { apiVersions } from '../../src/wire/api-versions.ts'
import { version } from '../../src/lib/version.ts'
import { createAdminApi } from '../support/admin-api.ts'
import { packageFolder } from '../support/built-program.ts'
import { testPrograms } from '../support/installed-tool.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const read = (path: string): string => readFileSync(join(packageFolder, path), 'utf8')
const readJson = (path: string): Tree => JSON.parse(read(path)) as Tree
const readYaml = (path: string): Tree => parse(read(path)) as Tree

/** Every file of these kinds below a folder, by its path from the package. */
const filesOf = (folder: string, kinds: RegExp): string[] =>
  readdirSync(join(packageFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => kinds.test(path) && !/node_modules|\.terraform/.test(path))
    .map((path) => join(folder, path))

const manifest = readJson('package.json')
const workflows = ['.github/workflows', 'examples/github-actions'].flatMap((folder) =>
  filesOf(folder, /\.yml$/),
)
const guides = ['README.md', 'CONTRIBUTING.md', ...filesOf('docs', /\.md$/), ...filesOf('infra', /\.md$/)]

/** The oldest release of Node.js that is promised, such as 20.19.0. */
const oldest = /^>=(\d+\.\d+\.\d+)$/.exec(String((manifest['engines'] as Tree)['node']))?.[1] ?? ''
const majorOf = (release: string): string => release.split('.')[0] ?? ''
const matrix = (): string[] => {
  const { jobs } = parse(read('.github/workflows/test.yml')) as Workflow
  return jobs.test.strategy.matrix.node
}

describe('Node.js', () => {
  it('is tested from the oldest release that package.json promises, and its types are of that major', () => {
    expect(matrix()[0]).toBe(oldest)
    expect(matrix()).toContain(majorOf(oldest))
    const { '@types/node': types } = manifest['devDependencies'] as Record<string, string>
    expect(types).toMatch(new RegExp(`^\\^${majorOf(oldest)}\\.`))
  })

  it('is tested on each long-term major up to the newest: src/server/node-internals.ts depends on it', () => {
    const majors = [...new Set(matrix().map((release) => Number(majorOf(release))))]
    const first = Number(majorOf(oldest))
    const last = Math.max(...majors)
    expect(last).toBeGreaterThan(first)
    // Node's long-term majors are the even ones.
    expect(majors).toEqual(Array.from({ length: (last - first) / 2 + 1 }, (_, index) => first + 2 * index))
  })

  it('is called by that release wherever its least is told', () => {
    const told = [...guides, 'Makefile'].flatMap((path) =>
      [...read(path).matchAll(/Node\.js (\d+(?:\.\d+)*)[ ]+or newer/g)].map(
        ([, least]) => `${path}: ${least}`,
      ),
    )
    const right = oldest.replace(/\.0$/, '')
    expect(told.length).toBeGreaterThan(2)
    expect(told.filter((one) => !one.endsWith(`: ${right}`))).toEqual([])
  })

  it('is in the image of a major that the tests run on, by one name everywhere', () => {
    const [, image = '', major = ''] =
      /^ARG NODE_IMAGE=docker\.io\/library\/(node:(\d+)[\w.-]*)$/m.exec(read('Dockerfile')) ?? []
    expect(matrix()).toContain(major)
    const named = ['Dockerfile', 'docs/image.md', 'docs/08-container.md'].flatMap(
      (path) => read(path).match(/\bnode:\d[\w.-]*/g) ?? [],
    )
    expect(new Set(named)).toEqual(new Set([image]))
  })

  it('is set up by workflows in a major that the tests run on', () => {
    const set = workflows.flatMap((path) =>
      [...read(path).matchAll(/node-version: (\d+)/g)].map(([, major]) => major),
    )
    expect(set.length).toBeGreaterThan(0)
    expect(matrix()).toEqual(expect.arrayContaining(set))
  })
})

describe('the version of the package', () => {
  it('is that of the lock file, the chart, the program and the description of its routes', async () => {
    const lock = readJson('package-lock.json')
    const chart = readYaml('infra/helm/aoai-simulated-api/Chart.yaml')
    const { info } = await createAdminApi(createTestSimulator().app).document()
    const found = {
      lock: lock['version'],
      lockedPackage: ((lock['packages'] as Tree)[''] as Tree)['version'],
      chart: chart['version'],
      appVersion: chart['appVersion'],
      program: version,
      description: (info as Tree)['version'],
    }
    const other = Object.entries(found).filter(([, one]) => one !== manifest['version'])
    expect(other).toEqual([])
  })

  it('has a section of the changelog, or is the first one', () => {
    const sections = [...read('CHANGELOG.md').matchAll(/^## \[(.+?)\]/gm)].map(([, name]) => name)
    expect(sections[0] === 'Unreleased' ? (sections[1] ?? '0.1.0') : sections[0]).toBe(manifest['version'])
  })
})

describe('what is used from elsewhere', () => {
  it('runs no script of its own when it is installed, and npm has nothing to warn of', () => {
    const { packages } = readJson('package-lock.json') as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript ? [path.replace(/.*node_modules\//, '')] : [],
    )
    expect(manifest['allowScripts']).toEqual(Object.fromEntries(scripted.map((name) => [name, false])))
  })

  it('is an action of the same version in each workflow, pinned by its commit', () => {
    const used = workflows.flatMap((path) => read(path).match(/uses: .+/g) ?? [])
    expect(used.length).toBeGreaterThan(0)
    const foreign = used.filter((one) => !one.startsWith('uses: ./'))
    expect(
      foreign.filter((one) => !/^uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(one)),
    ).toEqual([])
    const actions = new Set(foreign.map((one) => one.replace(/@.*/, '')))
    expect([...new Set(foreign)]).toHaveLength(actions.size)
  })

  it.each(workflows)(
    'is a workflow that reads only, ends in time, and is cancelled by a newer run: %s',
    (path) => {
      const { permissions, concurrency, jobs } = readYaml(path) as {
        [key: string]: unknown
        jobs: Record<string, { 'timeout-minutes'?: number }>
      }
      expect(permissions).toEqual({ contents: 'read' })
      expect(concurrency).toMatchObject({ 'cancel-in-progress': true })
      for (const job of Object.values(jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(60)
    },
  )

  it('is installed by the workflow as .ci/run would install it', () => {
    const packages = [...testPrograms.values()].filter((name) => name !== '-')
    const line = /apt-get install -y --no-install-recommends (.+)$/m.exec(read('.github/workflows/test.yml'))
    expect(new Set(line?.[1]?.split(' '))).toEqual(new Set(packages))
    expect(packages.length).toBeGreaterThan(0)
  })

  it('is an image with a version, and the simulator by the name that the guides give it', () => {
    const { services } = readYaml('infra/compose.yaml') as { services: Record<string, { image: string }> }
    for (const name of ['prometheus', 'grafana']) expect(services[name]?.image).toMatch(/:v?\d+\.\d+\.\d+$/)
    for (const path of ['docs/image.md', 'docs/08-container.md', '.github/workflows/test.yml'])
      expect(read(path)).toMatch(new RegExp(`docker build .*--tag ${services['simulator']?.image}\\b`))
  })

  it('is Terraform and its provider in the version that versions.tf asks for', () => {
    const versions = read('infra/container-apps/terraform/versions.tf')
    const asked = [/required_version = ">= ([\d.]+)"/, /version = ">= ([\d.]+), < 5/].map(
      (pattern) => pattern.exec(versions)?.[1],
    )
    const told = /Terraform ([\d.]+) or newer, azurerm ([\d.]+) or newer of version 4/.exec(
      read('infra/container-apps/terraform/README.md'),
    )
    expect(told?.slice(1)).toEqual(asked)
  })

  it('is one version of each type of resource in all Bicep files', () => {
    const types = filesOf('infra/container-apps/bicep', /\.bicep$/).flatMap(
      (path) => read(path).match(/'Microsoft\.[\w./]+@[\d-]+(?:preview)?'/g) ?? [],
    )
    expect(types.length).toBeGreaterThan(10)
    expect(new Set(types).size).toBe(new Set(types.map((type) => type.replace(/@.*/, ''))).size)
  })
})

it('each api-version in guides, examples and scripts is one that the service has', () => {
  const places = [
    ...guides,
    ...filesOf('examples', /\.(m?[jt]s|py|ya?ml|md)$/),
    ...filesOf('scripts', /\.sh$/),
  ]
  const unknown = places.flatMap((path) =>
    [...read(path).matchAll(/api-version=([\w-]+)/g)]
      .filter(([, one = '']) => !apiVersions.includes(one))
      .map(([, one]) => `${path}: ${one}`),
  )
  expect(unknown).toEqual([])
})

type Tree = Readonly<Record<string, unknown>>

interface Workflow {
  readonly jobs: { readonly test: { readonly strategy: { readonly matrix: { readonly node: string[] } } } }
}
