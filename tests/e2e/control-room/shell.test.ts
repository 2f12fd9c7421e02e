import { describe, expect, it } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

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
})
