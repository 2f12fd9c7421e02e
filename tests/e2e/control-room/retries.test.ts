import { describe, expect, it } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

const hostile = 'loop <b>bold</b>'

describe.skipIf(chromiumNeed.isMissing)(`retries in the control room${chromiumNeed.note}`, () => {
  it('are judged by client, with a picture of the waits', async () => {
    await using room = await openControlRoom({
      fragment: '#/retries',
      hasOwnClock: true,
      options: {
        apiKey: 'data-key',
        journal: 1_000,
        deployments: {
          chat: {
            model: 'gpt-4o',
            tokensPerMinute: 100_000,
            requestsPerMinute: 1,
            requestsSliceSeconds: 60,
          },
        },
      },
    })
    const { page, url } = room
    await page.getByRole('heading', { name: 'No requests yet' }).waitFor()
    const ask = async (client: string, content: string, more: object = {}) => {
      const response = await fetch(`${url}/openai/deployments/chat/chat/completions?api-version=2024-10-21`, {
        method: 'POST',
        headers: { 'api-key': 'data-key', 'x-sim-test': client },
        body: JSON.stringify({ messages: [{ role: 'user', content }], max_tokens: 5, ...more }),
      })
      await response.text()
    }
    await ask('calm', 'once')
    for (let count = 0; count < 3; count++) await ask(hostile, 'again')

    await room.skipUntil(page.getByText('Found in 2 retries of 2 clients: 2 too early.'))
    const row = page.getByRole('table', { name: 'Clients' }).getByRole('row', { name: hostile })
    await row.getByText('■too early').waitFor()
    await page.getByRole('img', { name: /^2 retries .* 0 waited, 2 too early, 0 forbidden/ }).waitFor()
    const latest = page.getByRole('table', { name: 'Latest retries' })
    expect(await latest.getByRole('row').count()).toBe(3)

    await row.click()
    const details = page.getByRole('region', { name: `Client ${hostile}` })
    await details.getByText('came before retry-after had passed').waitFor()
    await details.getByText('429 × 3').waitFor()
    expect(await page.evaluate('location.hash')).toBe('#/retries?client=default+loop+%3Cb%3Ebold%3C%2Fb%3E')

    await page.getByRole('button', { name: 'Start again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Start again' }).click()
    await page.getByRole('heading', { name: 'No such client' }).waitFor()
    await details.waitFor({ state: 'detached' })
  })

  it('need the journal, and the view says how to start it', async () => {
    await using room = await openControlRoom({ fragment: '#/retries', width: 400 })
    await room.page.getByRole('heading', { name: 'The journal is off' }).waitFor()
    await room.page.getByText('JOURNAL_SIZE=10000').waitFor()
    expect(await room.page.evaluate('document.documentElement.scrollWidth')).toBe(400)
  })
})
