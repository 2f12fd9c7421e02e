import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, type TestSettings } from '../../tests/support/test-simulator.ts'

const setUp = (settings: TestSettings) => {
  const { post, log } = createTestSimulator(settings)
  const ask = async (name: string) => {
    const body = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }
    return (await post(deploymentPath(encodeURIComponent(name), 'chat/completions'), body)).status
  }
  const logged = () => log.filter(({ message }) => message.startsWith('Unknown deployment'))
  return { ask, logged }
}
const deployments = { chat: { model: 'gpt-4o' } }

describe('an unknown deployment', () => {
  it('is logged once as a warning, with the nearest name', async () => {
    const { ask, logged } = setUp({ deployments })
    for (const name of ['chta', 'chat', 'chta']) expect(await ask(name)).toBe(200)
    expect(logged()).toEqual([
      {
        level: 'warn',
        fields: {},
        message:
          'Unknown deployment "chta" is answered as gpt-4o-mini, without limits. Did you mean "chat"? Set ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false to reject unknown names.',
      },
    ])
  })

  it('is logged as information if no deployments are configured', async () => {
    const { ask, logged } = setUp({})
    await ask('mine')
    expect(logged()).toMatchObject([{ level: 'info' }])
  })

  it('is logged for at most twenty names, shortened and without control characters', async () => {
    const { ask, logged } = setUp({ deployments })
    await ask(`new\nline ${'x'.repeat(500)}`)
    for (let index = 0; index < 40; index++) await ask(`name-${index}`)
    expect(logged()).toHaveLength(20)
    expect(logged()[0]?.message).not.toContain('\n')
    expect(logged()[0]?.message.length).toBeLessThan(300)
    expect(logged().at(-1)?.message).toMatch(/Further unknown names are not logged\.$/)
  })

  it('is not logged if it is rejected', async () => {
    const { ask, logged } = setUp({ deployments, env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    expect(await ask('chta')).toBe(404)
    expect(logged()).toEqual([])
  })
})
