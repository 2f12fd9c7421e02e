import { describe, expect, it } from 'vitest'
import { createTestSimulator, deploymentPath, type TestSettings } from '../../tests/support/test-simulator.ts'

const setUp = (settings: TestSettings) => {
  const { post, log } = createTestSimulator(settings)
  const ask = async (name: string) => {
    const body = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 }
    return (await post(deploymentPath(encodeURIComponent(name), 'chat/completions'), body)).status
  }
  const told = () => log.filter(({ message }) => message.startsWith('No deployment is named'))
  return { ask, told }
}
const deployments = { chat: { model: 'gpt-4o' } }

describe('a deployment that is asked for and not configured', () => {
  it('is warned of once, with the name that was most likely meant', async () => {
    const { ask, told } = setUp({ deployments })
    for (const name of ['chta', 'chat', 'chta']) expect(await ask(name)).toBe(200)
    expect(told()).toEqual([
      {
        level: 'warn',
        fields: {},
        message:
          'No deployment is named "chta": it is answered as a gpt-4o-mini, without limits. Did you mean "chat"? ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS=false refuses such names.',
      },
    ])
  })

  it('is only told where nobody has configured deployments', async () => {
    const { ask, told } = setUp({})
    await ask('mine')
    expect(told()).toMatchObject([{ level: 'info' }])
  })

  it('is told for twenty names, each cut and without control characters', async () => {
    const { ask, told } = setUp({ deployments })
    await ask(`new\nline ${'x'.repeat(500)}`)
    for (let index = 0; index < 40; index++) await ask(`name-${index}`)
    expect(told()).toHaveLength(20)
    expect(told()[0]?.message).not.toContain('\n')
    expect(told()[0]?.message.length).toBeLessThan(300)
    expect(told().at(-1)?.message).toMatch(/Further such names are not logged\.$/)
  })

  it('is not told where it is refused', async () => {
    const { ask, told } = setUp({ deployments, env: { ALLOW_UNDEFINED_OPENAI_DEPLOYMENTS: 'false' } })
    expect(await ask('chta')).toBe(404)
    expect(told()).toEqual([])
  })
})
