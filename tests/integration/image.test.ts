import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settingsTable } from '../../src/config/settings-table.ts'
import { execForm, keyValues, lintDockerfile, parseDockerfile } from '../../scripts/dockerfile.ts'
import { createTestSimulator } from '../support/test-simulator.ts'

const source = readFileSync('Dockerfile', 'utf8')
const dockerfile = parseDockerfile(source)
const runtime = dockerfile.stages.at(-1)!
const env = keyValues(runtime, 'ENV')
const find = (name: string) => runtime.instructions.findLast((instruction) => instruction.name === name)!

describe('the Dockerfile', () => {
  it('follows the rules of lintDockerfile', () => {
    expect(lintDockerfile(dockerfile)).toEqual([])
  })

  it('has the Node.js release of .nvmrc', () => {
    const release = readFileSync('.nvmrc', 'utf8').trim()
    expect(source).toContain(`ARG NODE_IMAGE=docker.io/library/node:${release}-`)
  })

  it('installs, builds and runs in separate stages', () => {
    expect(dockerfile.stages.map(({ name }) => name)).toEqual(['dependencies', 'build', 'runtime'])
  })

  it('sets only existing settings, to valid values', () => {
    const { NODE_ENV, ...settings } = Object.fromEntries(env)
    expect(NODE_ENV).toBe('production')
    const known = new Set(settingsTable().map((setting) => setting.env))
    expect(Object.keys(settings).filter((name) => !known.has(name))).toEqual([])
    expect(settings).toMatchObject({
      HOST: '0.0.0.0',
      PORT: '8000',
      RECORDING_DIR: '/mnt/simulator/recording',
    })
  })

  it('exposes the port that it sets, which is the default port of the program', () => {
    const port = settingsTable().find((setting) => setting.env === 'PORT')?.default
    expect([find('EXPOSE').rest, env.get('PORT')]).toEqual([port, port])
  })

  it('requests its health from a path that needs no key', async () => {
    const [, path] = /\$\{process\.env\.PORT\}([^`]+)`/.exec(find('HEALTHCHECK').rest) ?? []
    const simulator = createTestSimulator()
    const response = await simulator.app.request(path!)
    expect([path, response.status]).toEqual(['/healthz', 200])
  })

  it('starts the program that package.json names', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> }
    expect(execForm(find('ENTRYPOINT').rest)).toEqual(['node', `/app/${bin['aoai-sim']!.slice(2)}`])
  })

  it('copies only files that .dockerignore includes', () => {
    const allowed = readFileSync('.dockerignore', 'utf8').split('\n')
    const copied = dockerfile.stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, flags }) => name === 'COPY' && !flags.has('from'))
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
      .map((path) => path.replace('[z]', 'z').replace('./', ''))
    expect(copied.filter((path) => !allowed.includes(`!${path}`))).toEqual([])
  })

  it('lists each network type that the install script supports', () => {
    const known = readFileSync('scripts/image-install.sh', 'utf8').match(/^ {2}[a-z-]+(?=\)$)/gm)
    expect(known?.map((word) => word.trim())).toEqual(['unrestricted', 'semi-restricted', 'restricted'])
    expect(source).toContain('# unrestricted | semi-restricted | restricted')
  })
})

describe('scripts/image-install.sh', () => {
  /** Runs the script with an npm that only prints its arguments. */
  const install = (env: Record<string, string>) => {
    const folder = mkdtempSync(join(tmpdir(), 'image-install-'))
    try {
      writeFileSync(join(folder, 'npm'), '#!/bin/sh\necho "npm $*"\n', { mode: 0o755 })
      return spawnSync('sh', [resolve('scripts/image-install.sh')], {
        cwd: folder,
        env: {
          PATH: `${folder}:${process.env['PATH']}`,
          NPMRC_FILE: join(folder, 'npmrc'),
          CA_FILE: '/nowhere',
          ...env,
        },
        encoding: 'utf8',
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it('semi-restricted without a mirror uses the public registry and prints that', () => {
    const { status, stdout } = install({ network_type: 'semi-restricted' })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^network_type=semi-restricted without a mirror: .*public registry.*NPM_REGISTRY=/)
    expect(stdout).toMatch(/^npm ci (?!.*--registry)/m)
  })

  it('semi-restricted with a mirror uses only the mirror', () => {
    const { status, stdout } = install({
      network_type: 'semi-restricted',
      NPM_REGISTRY: 'https://npm.example.com/',
    })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^npm ci .*--registry https:\/\/npm\.example\.com\/\n$/)
  })

  it('refuses an unknown type, and restricted without the packed dependencies', () => {
    expect(install({ network_type: 'none' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('(got none)'),
    })
    expect(install({ network_type: 'restricted' })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('needs .npm-cache.tgz'),
    })
  })
})

describe('lintDockerfile', () => {
  const lint = (from: string | RegExp, to: string) =>
    lintDockerfile(parseDockerfile(source.replace(from, to)))

  it.each([
    ['a base without a version', /^(ARG NODE_IMAGE=.*):.*$/m, '$1:latest', 'must be a version'],
    ['a base that no mirror can replace', 'FROM ${NODE_IMAGE} AS runtime', 'FROM node:24', 'must be an ARG'],
    ['root', 'USER 10001:10001', 'USER 0', 'USER must be a number other than 0'],
    ['a user by name', 'USER 10001:10001', 'USER node', 'USER must be a number'],
    ['no user', 'USER 10001:10001', '', 'has no USER'],
    ['a copy after USER', 'EXPOSE 8000', 'COPY x ./', 'COPY must come before USER'],
    ['files of the user', 'COPY LICENSE', 'COPY --chown=10001 LICENSE', 'must belong to root'],
    ['ADD', 'COPY LICENSE', 'ADD LICENSE', 'use COPY instead of ADD'],
    ['the shell form', /^ENTRYPOINT.*/m, 'ENTRYPOINT node dist/cli/main.js', 'in exec form'],
    ['npm as process 1', /^ENTRYPOINT.*/m, 'ENTRYPOINT ["npm", "start"]', 'Process 1 must be node'],
    ['no health check', 'HEALTHCHECK', 'LABEL', 'needs a HEALTHCHECK'],
    ['a secret as an argument', 'ARG NPM_REGISTRY=', 'ARG NPM_TOKEN=', 'remain in the image'],
    ['a download', 'RUN install', 'RUN curl x && install', 'may be downloaded'],
  ])('refuses %s', (_, from, to, problem) => {
    expect(lint(from, to).join('\n')).toContain(problem)
  })
})
