import { describe, expect, it } from 'vitest'
import { slowExtension } from '../support/extensions/extension-folder.ts'
import { programKey, runInProcess, startProgram } from '../support/built-program.ts'

const files = {
  'slow.ts': slowExtension,
  'tenants.cjs': `const { jsonReply, requestsLimiter } = require('aoai-simulated-api/extension')
module.exports = () => ({
  name: 'tenants',
  hooks: [(exchange, next) => next()],
  generators: [function weather() { return jsonReply({}) }],
  forwarders: [async function translate() {}],
  limiters: { gold: requestsLimiter({ requests: 9, windowMs: 1000 }), silver: () => undefined },
  onStart() { throw new Error('only a start starts') },
})
`,
  'broken.ts': "export default { name: 'broken', hook: [] }",
}

describe('aoai-sim extensions', () => {
  it('lists the extensions that the built program loads, also in TypeScript, and starts nothing', async () => {
    const env = { EXTENSION_PATH: 'slow.ts, ./tenants.cjs' }
    const { code, stdout, stderr } = await runInProcess(['extensions'], { files, env })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe(`1. slow  slow.ts
   hooks       addDelay

2. tenants  tenants.cjs
   hooks       (no name)
   generators  weather
   forwarders  translate
   limiters    gold, silver
   also has    onStart
`)
  })

  it('accepts paths instead of the setting, and prints JSON', async () => {
    const env = { EXTENSION_PATH: 'broken.ts' }
    const { stdout } = await runInProcess(['extensions', '--json', 'slow.ts'], { files, env })
    expect(JSON.parse(stdout)).toEqual([
      {
        name: 'slow',
        file: expect.stringMatching(/^\/.+\/slow\.ts$/),
        hooks: ['addDelay'],
        generators: [],
        forwarders: [],
        limiters: [],
        onStart: false,
        onClose: false,
      },
    ])
  })

  it('exits with code 2 and reports the problem of an extension', async () => {
    const { code, stdout, stderr } = await runInProcess(['extensions', 'slow.ts', 'broken.ts'], { files })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      'Could not use the extension broken.ts: 1 problem\n  hook is not a field of an extension. Did you mean hooks?\n',
    )
  })

  it('names the setting if there are no extensions', async () => {
    expect(await runInProcess(['extensions'])).toEqual({
      code: 0,
      stdout:
        'There are no extensions. Set EXTENSION_PATH to files, folders or packages, separated by commas.\n',
      stderr: '',
    })
  })
})

const strayExtension = `import { defineExtension, jsonReply } from 'aoai-simulated-api/extension'
export default defineExtension({
  name: 'stray',
  generators: [
    (exchange) => {
      if (exchange.path === '/promise') void Promise.reject(new Error('left behind'))
      else if (exchange.path === '/timer') setTimeout(() => { throw new Error('too late') }, 1)
      else return undefined
      return jsonReply({ ok: true })
    },
  ],
})
`

describe('an extension with background work', () => {
  it('does not affect answers when that fails, and the failure is logged', async () => {
    const env = { EXTENSION_PATH: 'stray.ts' }
    await using program = await startProgram({ files: { 'stray.ts': strayExtension }, env })
    const headers = { 'api-key': programKey }
    for (const path of ['/promise', '/timer', '/promise']) {
      expect((await fetch(`${program.url}${path}`, { headers })).status).toBe(200)
    }
    const { code, stderr } = await program.stop()
    expect(code).toBe(0)
    expect(stderr.split('\n').filter((line) => line.includes('outside of a request'))).toHaveLength(3)
    expect(stderr).toContain('too late')
  })
})
