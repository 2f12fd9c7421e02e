import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { startInProcess } from '../../support/built-program.ts'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

/** Waits until the top bar says that the figures are live. */
const waitUntilLive = (page: Page): Promise<void> => page.getByRole('banner').getByText(/Live$/).waitFor()

describe.skipIf(chromiumNeed.isMissing)(`the control room in Chromium${chromiumNeed.note}`, () => {
  it('asks for the admin key, and opens the overview with it', async () => {
    await using room = await openControlRoom({
      isSignedIn: false,
      options: { apiKey: 'data-key', adminApiKey: 'admin-key' },
    })
    const { page } = room
    const field = page.getByLabel('Admin key')
    await field.fill('data-key')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('does not accept this key').waitFor()
    // Copied with quotation marks or an invisible space, which a header cannot have.
    for (const copied of ['“admin-key”', 'admin-key\u200b', '鍵']) {
      await field.fill(copied)
      await page.keyboard.press('Enter')
      await page.getByRole('alert').getByText('Check what was copied with it').waitFor()
    }
    await field.fill('admin-key')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    expect(await page.evaluate('[sessionStorage.length, localStorage.length]')).toEqual([1, 0])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await field.waitFor()
    expect(await page.evaluate('[sessionStorage.length, localStorage.length]')).toEqual([0, 0])
  })

  it('has a view for each entry of the navigation', async () => {
    await using room = await openControlRoom()
    const { page } = room
    const links = page.getByRole('navigation', { name: 'Views' }).getByRole('link')
    expect(await links.allInnerTexts()).toEqual([
      'Overview',
      'Requests',
      'Steer',
      'Recordings',
      'Retries',
      'Logs',
    ])
    for (const link of await links.all()) {
      await link.click()
      await expect.poll(() => link.getAttribute('aria-current')).toBe('page')
      await expect.poll(() => page.title()).toBe(`${await link.innerText()} · Control room`)
      await page.locator('main :is(h1, h2)').first().waitFor()
    }
  })

  it('takes the key of an address and removes it', async () => {
    await using room = await openControlRoom({ isSignedIn: false, fragment: '#key=other' })
    const { page, adminApiKey, url } = room
    await page.getByLabel('Admin key').waitFor()
    await page.goto(`${url}/++/?again#key=${encodeURIComponent(adminApiKey)}`)
    await page.getByRole('navigation', { name: 'Views' }).waitFor()
    expect(page.url()).not.toContain(adminApiKey)
    expect(await page.evaluate('localStorage.length')).toBe(0)
  })

  it('signs out when the key is not accepted any more', async () => {
    await using room = await openControlRoom()
    const { page } = room
    await waitUntilLive(page)
    await page.route('**/++/logs*', (route) =>
      route.fulfill({ status: 401, json: { error: { code: '401' } } }),
    )
    await page.evaluate("location.hash = '#/logs'")
    await page.getByText('does not accept this key any more').waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  it('says since when it is not connected, and connects again by itself', async () => {
    await using room = await openControlRoom()
    const { page, simulator } = room
    await waitUntilLive(page)
    await page.context().setOffline(true)
    await page.route('**/++/events', (route) => route.abort())
    await page.evaluate("location.hash = '#/logs'")
    await page.reload({ waitUntil: 'commit' }).catch(() => undefined)
    await page.context().setOffline(false)
    await page.goto(`${simulator.url}/++/`)
    await page.getByText(/Not connected since \d\d:\d\d:\d\d/).waitFor()
    await page.unroute('**/++/events')
    await waitUntilLive(page)
    await expect.poll(() => page.getByText('Not connected since').count()).toBe(0)
    room.problems.length = 0
  })

  it('can be used with the keyboard alone', async () => {
    await using room = await openControlRoom({ isSignedIn: false, reducedMotion: true })
    const { page, adminApiKey } = room
    const press = (key: string) => page.keyboard.press(key)
    const focused = () => page.evaluate('document.activeElement.textContent.trim()')
    await page.getByLabel('Admin key').waitFor()
    await page.keyboard.type(adminApiKey)
    await press('Enter')
    await waitUntilLive(page)
    await press('Tab')
    expect(await focused()).toBe('Skip to content')
    await press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('view')
    const link = page.getByRole('link', { name: 'Logs', exact: true })
    await link.focus()
    await press('Enter')
    await page.getByRole('heading', { name: 'Logs' }).waitFor()
    const about = page.getByRole('button', { name: 'About this simulator' })
    await about.focus()
    await press('Enter')
    const dialog = page.getByRole('dialog', { name: 'About this simulator' })
    await dialog.waitFor()
    await press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await expect.poll(() => page.evaluate('document.activeElement.title')).toBe('About this simulator')
    // Each control has a visible frame when the keyboard reaches it.
    for (let count = 0; count < 12; count++) {
      await press('Tab')
      const outline = await page.evaluate(
        `(() => { const style = (element) => getComputedStyle(element).outlineStyle
          const element = document.activeElement
          return element === document.body ? 'none of the page' : style(element) + style(element.nextElementSibling ?? element) })()`,
      )
      expect(outline).toMatch(/solid|auto|none of the page/)
    }
  })

  it.each(['overview', 'requests', 'steer', 'recordings', 'retries', 'logs'])(
    'fits into 400 pixels, with controls that a finger can hit: %s',
    async (view) => {
      await using room = await openControlRoom({
        width: 400,
        dark: true,
        fragment: view === 'overview' ? '#/' : `#/${view}`,
      })
      const { page, chat } = room
      await chat()
      await page.locator('main :is(h1, h2)').first().waitFor()
      await waitUntilLive(page)
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect(width).toBeLessThanOrEqual(400)
      const small = await page.evaluate(`[...document.querySelectorAll('header button, nav a, main .button')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 43.5)
        .map((element) => element.outerHTML)`)
      expect(small).toEqual([])
    },
  )

  it('changes its colours, and keeps them on this device', async () => {
    await using room = await openControlRoom({ dark: true })
    const { page } = room
    const background = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await background()
    await page.getByRole('button', { name: 'Colours: as the device. Change to light' }).click()
    const light = await background()
    expect(light).not.toBe(dark)
    await page.reload()
    await page.getByRole('button', { name: 'Colours: light. Change to dark' }).waitFor()
    expect(await background()).toBe(light)
  })
})

describe.skipIf(chromiumNeed.isMissing)(`the logs in Chromium${chromiumNeed.note}`, () => {
  const hostile = '<img src=x onerror="document.title=1">'

  it('appear as they are written, with filters in the address, and hostile names as text', async () => {
    await using program = await startInProcess({ env: { LOG_REQUESTS: 'true' } })
    const running = { url: program.url, adminApiKey: program.key }
    await using room = await openControlRoom({ fragment: '#/logs', running })
    const { page, chat } = room
    await page.getByRole('heading', { name: 'Logs' }).waitFor()
    await chat()
    await chat(
      {},
      `/openai/deployments/${encodeURIComponent(hostile)}/chat/completions?api-version=2024-10-21`,
    )
    await chat({ messages: 1 })
    const entries = page.getByRole('region', { name: 'Log entries' }).locator('li')
    await expect.poll(() => entries.count()).toBeGreaterThanOrEqual(3)
    await entries.filter({ hasText: hostile }).first().waitFor()
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.title()).toBe('Logs · Control room')

    await page.getByRole('button', { name: 'warn' }).click()
    await expect.poll(() => entries.filter({ hasText: 'info' }).count()).toBe(0)
    await expect.poll(() => entries.count()).toBeGreaterThan(0)
    expect(page.url()).toContain('level=warn')
    await page.reload()
    await expect.poll(() => entries.filter({ hasText: 'warn' }).count()).toBeGreaterThan(0)
    await page.getByLabel('Text', { exact: true }).fill('no entry has this text')
    await page.getByText('No kept entry matches').waitFor()
    await page.getByRole('link', { name: 'Remove the filters' }).click()
    await expect.poll(() => entries.count()).toBeGreaterThanOrEqual(3)

    await entries.filter({ hasText: '200' }).first().locator('summary').click()
    await page.getByRole('link', { name: 'Only this request' }).click()
    await expect.poll(() => entries.count()).toBe(1)
  })

  it('stay as they are while the reader does not follow', async () => {
    await using program = await startInProcess({ env: { LOG_REQUESTS: 'true' } })
    const running = { url: program.url, adminApiKey: program.key }
    await using room = await openControlRoom({ fragment: '#/logs', running })
    const { page, chat } = room
    const entries = page.getByRole('region', { name: 'Log entries' }).locator('li')
    await chat()
    await expect.poll(() => entries.count()).toBe(1)
    await page.getByText('Follow').click()
    await chat()
    await page.getByRole('button', { name: 'Show 1 new entry' }).waitFor()
    expect(await entries.count()).toBe(1)
    await page.getByRole('button', { name: 'Show 1 new entry' }).click()
    await expect.poll(() => entries.count()).toBe(2)
  })

  it('say how to turn the log on', async () => {
    await using room = await openControlRoom({ fragment: '#/logs', options: { logRing: 0 } })
    await expect.poll(() => room.page.getByText('LOG_RING is 0').count()).toBe(1)
    expect(room.problems.splice(0)).toEqual([expect.stringContaining('status 400')])
  })
})
