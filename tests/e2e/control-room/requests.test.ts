import { describe, expect, it } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

const deployments = {
  'gpt-4o': { model: 'gpt-4o' },
  small: { model: 'gpt-4o', requestsPerMinute: 1 },
}
const pathOf = (name: string): string =>
  `/openai/deployments/${encodeURIComponent(name)}/chat/completions?api-version=2024-10-21`
const hostile = '<img src=x onerror=alert(1)>'

describe.skipIf(chromiumNeed.isMissing)(`requests in the control room${chromiumNeed.note}`, () => {
  it('appear by themselves, and the one with a 429 has its reason and its wait', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/requests' })
    const { page } = room
    await page.getByRole('heading', { name: 'No requests yet' }).waitFor()
    for (let i = 0; i < 2; i++) await (await room.chat({}, pathOf('small'))).text()
    await (await room.chat({}, pathOf(hostile))).text()
    const rows = page.getByRole('table', { name: 'Requests' }).locator('tbody tr')
    await expect.poll(() => rows.count()).toBe(3)
    // A name from a client is text.
    await rows.nth(0).getByText(hostile).waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await rows.nth(1).innerText()).toMatch(/429.*request limit, wait/s)
    await page.getByRole('button', { name: '429' }).click()
    await expect.poll(() => rows.count()).toBe(1)
    expect(page.url()).toContain('status=429')
    await rows.nth(0).focus()
    await page.keyboard.press('Enter')
    await page.getByText('The request limit of the deployment was reached.').waitFor()
    expect(await page.getByRole('list', { name: 'Stages' }).locator('li').last().innerText()).toMatch(
      /^limits.*answered with 429/s,
    )
  })

  it('show bodies without the key, the parts of a stream, and a command that repeats them', async () => {
    await using room = await openControlRoom({
      options: { apiKey: 'a-secret-data-key', latency: { timeScale: 0.2 } },
      fragment: '#/requests',
    })
    const { page } = room
    const messages = [{ role: 'user', content: "It's a-secret-data-key </script>" }]
    const response = await room.chat({ messages, stream: true, max_tokens: 12 })
    await response.text()
    await page.goto(`${room.url}/++/#/requests/${response.headers.get('apim-request-id')}`)
    const picture = page.getByRole('slider', { name: /Parts over time/ })
    await picture.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    expect(await picture.getAttribute('aria-valuetext')).toMatch(
      /^Part 2 of \d+, sent at .*, due at .*, late by /,
    )
    await page.getByText('Parts as a table').click()
    await page.getByRole('table', { name: 'Parts of the answer' }).waitFor()
    await page.getByRole('button', { name: 'Text of the answer' }).click()
    await page.getByRole('tab', { name: /^Request/ }).click()
    const body = await page.getByRole('region', { name: 'Request as JSON' }).innerText()
    expect(JSON.parse(body).messages[0].content).toBe("It's [redacted] </script>")
    await page.getByRole('tab', { name: 'Headers' }).click()
    await page.getByText('[redacted]').first().waitFor()
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    const command = await page.getByRole('region', { name: 'Command' }).innerText()
    await page.getByText('The command is copied.').waitFor()
    expect(command).toContain(`--header "api-key: $API_KEY"`)
    expect(command).toContain(`It'\\''s [redacted] </script>`)
    await page.getByText('Credentials in the body were removed.').waitFor()
    expect(await page.content()).not.toContain('a-secret-data-key')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Record this' }).click()
    await page.getByRole('button', { name: 'Send and record' }).click()
    // The simulator generates answers and has no upstream.
    await page.getByRole('alert').getByText('has no upstream').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByRole('link', { name: 'Log entries' }).getAttribute('href')).toMatch(
      /^#\/logs\?request=/,
    )
  })

  it('show a request that is open, and then its end', async () => {
    await using room = await openControlRoom({
      options: { latency: { timeScale: 1 } },
      hasOwnClock: true,
      fragment: '#/requests',
    })
    const { page } = room
    const leave = new AbortController()
    const open = fetch(`${room.url}${pathOf('gpt-4o')}`, {
      method: 'POST',
      headers: { 'api-key': room.simulator.apiKey },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Hi' }], stream: true, max_tokens: 4_000 }),
      signal: leave.signal,
    }).then((response) => response.text())
    const row = page.getByRole('table', { name: 'Requests' }).locator('tbody tr').first()
    await row.getByText('200 open').waitFor()
    await row.click()
    await page.getByRole('slider', { name: /Parts over time/ }).waitFor()
    leave.abort()
    await expect(open).rejects.toThrow('aborted')
    await room.skipUntil(page.getByText('The client disconnected before the answer was complete.'))
  })

  it.each([400, 1280])('fit into a page of %i pixels', async (width) => {
    await using room = await openControlRoom({ width, fragment: '#/requests' })
    const { page } = room
    const response = await room.chat({ stream: true })
    await response.text()
    await page.getByRole('table', { name: 'Requests' }).locator('tbody tr').first().click()
    await page.getByRole('heading', { name: 'Parts of the answer' }).waitFor()
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    expect(await page.evaluate(overflow)).toBe(0)
  })

  it('explain an unknown id, and that traces are off', async () => {
    await using room = await openControlRoom({ fragment: '#/requests/12345' })
    await room.page.getByRole('heading', { name: 'Request not found', level: 1 }).waitFor()
    await using off = await openControlRoom({ options: { traceRing: 0 }, fragment: '#/requests' })
    await off.page.getByRole('heading', { name: 'Traces are off' }).waitFor()
    const advice = off.page.getByText('Start with TRACE_RING=200')
    await expect.poll(() => advice.isVisible()).toBe(true)
    expect(room.problems.splice(0).join()).toContain('status 404')
    expect(off.problems.splice(0).join()).toContain('status 400')
  })
})
