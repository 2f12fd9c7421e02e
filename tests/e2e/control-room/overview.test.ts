import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

/** A name that would be an image with a script, if it were markup. */
const hostileName = '"><img src=x onerror=alert(1)>'

/** Number of points of a chart that are not transparent: 0 if it is blank. */
function drawnPoints(page: Page): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector('.live-chart canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    return data.filter((value, index) => index % 4 === 3 && value > 0).length
  })()`)
}

const figureOf = (page: Page, title: string) =>
  page.getByRole('region', { name: title, exact: true }).locator('.chart-figure')

const rowOf = (page: Page, name: string) =>
  page.getByRole('table', { name: 'Deployments' }).getByRole('row').filter({ hasText: name })

/** Whether a part of the page is wider than the window. */
const isWider = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth')

describe.skipIf(chromiumNeed.isMissing)(`the overview in Chromium${chromiumNeed.note}`, () => {
  it('shows a command for the first request, and figures that move with the requests', async () => {
    await using room = await openControlRoom({
      options: { latency: { timeScale: 0.1 } },
      reducedMotion: false,
    })
    const { page, url, simulator, chat } = room
    await page.getByText('Waiting for the first request').waitFor()
    const command = await page.getByRole('region', { name: 'curl example' }).innerText()
    expect(command).not.toContain(simulator.apiKey)
    const [, address = '', body = ''] = /^curl -N (\S+) [^]*-d '([^]*)'$/.exec(command) ?? []
    expect(address).toBe(`${url}/openai/v1/chat/completions`)
    const answer = await fetch(address, { method: 'POST', headers: { 'api-key': simulator.apiKey }, body })
    expect(answer.status).toBe(200)
    await answer.text()
    await figureOf(page, 'Requests').waitFor()
    await Promise.all(Array.from({ length: 20 }, () => chat({ stream: true }).then((one) => one.text())))
    const total = page.locator('.counter').filter({ hasText: /^all/ }).locator('dd')
    await expect.poll(() => total.innerText(), { interval: 50 }).toBe('21')
    await expect.poll(() => drawnPoints(page)).toBeGreaterThan(100)
    // The legend is a list for the eyes; a screen reader gets the same values.
    expect(await page.getByRole('slider', { name: /^Requests/ }).getAttribute('aria-valuetext')).toMatch(
      /answered .*, 429 .*, errors /,
    )
    await page.getByRole('table', { name: 'Last requests' }).getByText('200').first().waitFor()
  })

  it('opens a deployment that requests name without a failed reading', async () => {
    await using room = await openControlRoom()
    await (
      await room.chat({}, '/openai/deployments/__proto__/chat/completions?api-version=2024-10-21')
    ).text()
    await room.page.goto(`${room.url}/++/#/deployments/default/__proto__`)
    await room.page.getByRole('heading', { name: '__proto__', level: 1 }).waitFor()
    await room.page.getByText('Requests to this deployment are not limited.').waitFor()
    await expect
      .poll(() => room.page.locator('.counter').filter({ hasText: /^all/ }).innerText())
      .toMatch(/1$/)
  })

  it('sends a test request with the key of the page', async () => {
    await using room = await openControlRoom({ options: { latency: { timeScale: 0 }, journal: true } })
    const { page, simulator } = room
    await page.getByRole('button', { name: 'Send a test request' }).click()
    await rowOf(page, 'gpt-4o').first().waitFor()
    await expect.poll(() => figureOf(page, 'Requests').count()).toBe(1)
    expect(simulator.requests()).toHaveLength(1)
  })

  it('shows 200 deployments in 3 resources, finds one, and opens it by keyboard', async () => {
    const named = (prefix: string, count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, { model: 'gpt-4o' }]),
      )
    await using room = await openControlRoom({
      options: {
        deployments: { 'gpt-4o': { model: 'gpt-4o' }, [hostileName]: { model: 'gpt-4o' } },
        resources: {
          acme: { deployments: named('acme', 99) },
          north: { deployments: named('north', 99) },
        },
      },
    })
    const { page, chat, url } = room
    await chat(
      {},
      `/openai/deployments/${encodeURIComponent(hostileName)}/chat/completions?api-version=2024-10-21`,
    )
    const table = page.getByRole('table', { name: 'Deployments' })
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe('201')
    expect(await table.getByRole('row').count()).toBeLessThan(60)
    const search = page.getByLabel('Find a deployment')
    await search.fill('north 42')
    await expect.poll(() => table.getByRole('row').count()).toBe(2)
    await search.fill('img')
    const row = table.getByRole('row').nth(1)
    await row.getByRole('link').filter({ hasText: hostileName }).waitFor()
    await row.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: hostileName }).waitFor()
    expect(page.url()).toBe(`${url}/++/#/deployments/default/${encodeURIComponent(hostileName)}`)
    expect(await page.locator('img').count()).toBe(0)
    await page.getByText('Requests to this deployment are not limited.').waitFor()
    await page.getByRole('navigation', { name: 'Location' }).getByRole('link', { name: 'default' }).click()
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe('3')
    await page.getByLabel('Resource', { exact: true }).selectOption('acme')
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe('100')
  })

  it('shows used limits, 429s by limit, and an incident with its phases until it is stopped', async () => {
    const options = {
      deployments: { 'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 60, requestsPerMinute: 6_000 } },
      latency: { timeScale: 0 },
    }
    await using room = await openControlRoom({ options, fragment: '#/deployments/default/gpt-4o' })
    const { page, chat, url, adminApiKey } = room
    const meter = page.getByRole('meter', { name: 'Tokens a minute' })
    await meter.waitFor()
    for (let sent = 0; sent < 12; sent++) await chat()
    await expect.poll(() => meter.getAttribute('aria-valuenow')).toBe('100')
    await page.getByText(/^429 for /).waitFor()
    const rejected = page.locator('.counter-group').filter({ hasText: 'Rejected with 429' })
    expect(Number(await rejected.locator('dd').first().innerText())).toBeGreaterThan(0)
    const post = (action: string, body?: object) =>
      fetch(`${url}/++/incidents/${action}`, {
        method: 'POST',
        headers: { 'api-key': adminApiKey },
        ...(body && { body: JSON.stringify(body) }),
      })
    await post('start', {
      phases: [
        { name: 'down', seconds: 60, faults: [{ probability: 1, fault: 'overloaded503' }] },
        { name: 'recovery', seconds: 60 },
      ],
    })
    await page.getByRole('navigation', { name: 'Location' }).getByRole('link', { name: 'Overview' }).click()
    const phases = page.getByRole('list', { name: 'Phases of default' })
    await expect
      .poll(() => phases.locator('[aria-current=step]').allInnerTexts())
      .toEqual([expect.stringContaining('down')])
    await phases.getByText(/recovery.*, coming/).waitFor()
    await page.getByText('Phase down. Next: recovery.').waitFor()
    expect(await rowOf(page, 'gpt-4o').getByRole('meter').getAttribute('aria-valuenow')).toBe('100')
    await post('stop')
    await phases.waitFor({ state: 'detached' })
  })

  it('is usable at 400 px, dark, and with reduced motion', async () => {
    await using room = await openControlRoom({
      options: { deployments: { 'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 60_000 } } },
      width: 400,
      dark: true,
      reducedMotion: true,
    })
    const { page, chat } = room
    await page.getByText('Waiting for the first request').waitFor()
    expect(await isWider(page)).toBe(false)
    await chat()
    await figureOf(page, 'Requests').waitFor()
    expect(await isWider(page)).toBe(false)
    const small: string[] = await page.evaluate(`
      [...document.querySelectorAll('main button, main select, main summary, main input')]
        .filter((one) => one.offsetParent && !one.closest('table, figure') && one.type !== 'checkbox' && one.offsetHeight < 40)
        .map((one) => one.outerHTML)`)
    expect(small).toEqual([])
    await page.getByRole('link', { name: 'gpt-4o' }).first().click()
    await page.getByRole('meter', { name: 'Tokens a minute' }).waitFor()
    expect(await isWider(page)).toBe(false)
  })
})
