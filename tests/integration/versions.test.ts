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

/** Every file of these kinds below a folder, as a path relative to the package. */
const filesOf = (folder: string, kinds: RegExp): string[] =>
  readdirSync(join(packageFolder, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => kinds.test(path) && !/node_modules|\.terraform/.test(path))
    .map((path) => join(folder, path))

const manifest = readJson('package.json')
const workflows = ['.github/workflows', 'examples/github-actions'].flatMap((folder) =>
  filesOf(folder, /\.yml$/),
)
const guides = ['README.md', 'CONTRIBUTING.md', ...filesOf('docs', /\.md$/), ...filesOf('infra', /\.md$/)]

/** The oldest supported release of Node.js, such as 20.19.0. */
const oldest = /^>=(\d+\.\d+\.\d+)$/.exec(String((manifest['engines'] as Tree)['node']))?.[1] ?? ''
const majorOf = (release: string): string => release.split('.')[0] ?? ''
const matrix = (): string[] => {
  const { jobs } = parse(read('.github/workflows/test.yml')) as Workflow
  return jobs.test.strategy.matrix.node
}

describe('Node.js', () => {
  it('is tested from the oldest release in package.json, and its types are of that major version', () => {
    expect(matrix()[0]).toBe(oldest)
    expect(matrix()).toContain(majorOf(oldest))
    const { '@types/node': types } = manifest['devDependencies'] as Record<string, string>
    expect(types).toMatch(new RegExp(`^\\^${majorOf(oldest)}\\.`))
  })

  it('is tested on each LTS major version up to the newest: src/server/node-internals.ts depends on it', () => {
    const majors = [...new Set(matrix().map((release) => Number(majorOf(release))))]
    const first = Number(majorOf(oldest))
    const last = Math.max(...majors)
    expect(last).toBeGreaterThan(first)
    // LTS major versions of Node.js are even.
    expect(majors).toEqual(Array.from({ length: (last - first) / 2 + 1 }, (_, index) => first + 2 * index))
  })

  it('has the same minimum version in all guides', () => {
    const minimums = [...guides, 'Makefile'].flatMap((path) =>
      [...read(path).matchAll(/Node\.js (\d+(?:\.\d+)*)[ ]+or newer/g)].map(
        ([, least]) => `${path}: ${least}`,
      ),
    )
    const right = oldest.replace(/\.0$/, '')
    expect(minimums.length).toBeGreaterThan(2)
    expect(minimums.filter((one) => !one.endsWith(`: ${right}`))).toEqual([])
  })

  it('has a major version in the image that the tests run on, with one image name everywhere', () => {
    const [, image = '', major = ''] =
      /^ARG NODE_IMAGE=docker\.io\/library\/(node:(\d+)[\w.-]*)$/m.exec(read('Dockerfile')) ?? []
    expect(matrix()).toContain(major)
    const named = ['Dockerfile', 'docs/image.md', 'docs/08-container.md'].flatMap(
      (path) => read(path).match(/\bnode:\d[\w.-]*/g) ?? [],
    )
    expect(new Set(named)).toEqual(new Set([image]))
  })

  it('has a major version in workflows that the tests run on', () => {
    const set = workflows.flatMap((path) =>
      [...read(path).matchAll(/node-version: (\d+)/g)].map(([, major]) => major),
    )
    expect(set.length).toBeGreaterThan(0)
    expect(matrix()).toEqual(expect.arrayContaining(set))
  })
})

describe('the version of the package', () => {
  it('is the same in the lock file, the chart, the program and the OpenAPI description', async () => {
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

  it('has a section in the changelog, or is the first one', () => {
    const sections = [...read('CHANGELOG.md').matchAll(/^## \[(.+?)\]/gm)].map(([, name]) => name)
    expect(sections[0] === 'Unreleased' ? (sections[1] ?? '0.1.0') : sections[0]).toBe(manifest['version'])
  })
})

describe('dependencies', () => {
  it('run no install scripts, and all of them are denied in allowScripts', () => {
    const { packages } = readJson('package-lock.json') as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    const scripted = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
      hasInstallScript ? [path.replace(/.*node_modules\//, '')] : [],
    )
    expect(manifest['allowScripts']).toEqual(Object.fromEntries(scripted.map((name) => [name, false])))
  })

  it('have one version of each GitHub action, pinned by its commit', () => {
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
    'have a workflow that is read-only, has a time limit, and is cancelled by a newer run: %s',
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

  it.each([
    ['@azure/identity', 'src/upstream/entra-token.ts'],
    ['@azure/storage-blob', 'src/shared/blob/blob-medium.ts'],
  ])('of the optional package %s are those of package.json in the advice to install it', (name, path) => {
    const { peerDependencies } = JSON.parse(read('package.json')) as {
      peerDependencies: Record<string, string>
    }
    const advice = /Package = \{ name: '([^']+)', versions: '([^']+)' \}/.exec(read(path))
    expect(advice?.slice(1)).toEqual([name, peerDependencies[name]])
  })

  it('are the same system packages in the workflow and .ci/run', () => {
    const packages = [...testPrograms.values()].filter((name) => name !== '-')
    const line = /apt-get install -y --no-install-recommends (.+)$/m.exec(read('.github/workflows/test.yml'))
    expect(new Set(line?.[1]?.split(' '))).toEqual(new Set(packages))
    expect(packages.length).toBeGreaterThan(0)
  })

  it('have images with a version, and the simulator image has one name in all guides', () => {
    const { services } = readYaml('infra/compose.yaml') as { services: Record<string, { image: string }> }
    for (const name of ['prometheus', 'grafana']) expect(services[name]?.image).toMatch(/:v?\d+\.\d+\.\d+$/)
    for (const path of ['docs/image.md', 'docs/08-container.md', '.github/workflows/test.yml'])
      expect(read(path)).toMatch(new RegExp(`docker build .*--tag ${services['simulator']?.image}\\b`))
  })

  it('have the Terraform and provider versions of versions.tf in the guide', () => {
    const versions = read('infra/container-apps/terraform/versions.tf')
    const asked = [/required_version = ">= ([\d.]+)"/, /version = ">= ([\d.]+), < 5/].map(
      (pattern) => pattern.exec(versions)?.[1],
    )
    const minimums = /Terraform ([\d.]+) or newer, azurerm ([\d.]+) or newer of version 4/.exec(
      read('infra/container-apps/terraform/README.md'),
    )
    expect(minimums?.slice(1)).toEqual(asked)
  })

  it('have one version of each resource type in all Bicep files', () => {
    const types = filesOf('infra/container-apps/bicep', /\.bicep$/).flatMap(
      (path) => read(path).match(/'Microsoft\.[\w./]+@[\d-]+(?:preview)?'/g) ?? [],
    )
    expect(types.length).toBeGreaterThan(10)
    expect(new Set(types).size).toBe(new Set(types.map((type) => type.replace(/@.*/, ''))).size)
  })
})

it('each api-version in guides, examples and scripts is supported', () => {
  const paths = [
    ...guides,
    ...filesOf('examples', /\.(m?[jt]s|py|ya?ml|md)$/),
    ...filesOf('scripts', /\.sh$/),
  ]
  const unknown = paths.flatMap((path) =>
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
