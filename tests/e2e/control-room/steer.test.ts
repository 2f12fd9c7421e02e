import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'

const deployments = { 'gpt-4o': { model: 'gpt-4o', tokensPerMinute: 60_000 } }

/** Opens the review of the draft, and sends it. */
async function sendDraft(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Review and send' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Send \d/ })
    .click()
}

describe.skipIf(chromiumNeed.isMissing)(`the view Steer in Chromium${chromiumNeed.note}`, () => {
  it('sets the limit of a deployment with a slider after it has shown the difference, and the next request gets 429', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer' })
    const { page, chat, simulator } = room
    expect((await chat()).status).toBe(200)
    const slider = page.getByRole('slider', { name: 'Tokens per minute', exact: true })
    await slider.focus()
    await slider.press('Home')
    expect(
      await page.getByRole('textbox', { name: 'Tokens per minute, in per minute', exact: true }).inputValue(),
    ).toBe('1')
    await page.getByRole('button', { name: 'Review and send' }).click()
    const dialog = page.getByRole('dialog')
    const difference = dialog.getByRole('list', { name: /^Difference/ })
    expect(await difference.innerText()).toMatch(/deployments\.gpt-4o\.tokens_per_minute[^]*60000[^]*1/)
    await dialog.getByText('As a request').click()
    expect(await dialog.getByRole('region', { name: 'JSON merge patch' }).innerText()).toContain(
      JSON.stringify({ openai_deployments: { 'gpt-4o': { tokens_per_minute: 1 } } }, null, 2),
    )
    // Nothing is sent before it is confirmed.
    expect((await chat()).status).toBe(200)
    await dialog.getByRole('button', { name: 'Send 1 change' }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect((await chat()).status).toBe(429)
    await page.getByRole('button', { name: 'Undo the last sent change' }).click()
    await sendDraft(page)
    await expect
      .poll(() => simulator.config().openai_deployments)
      .toMatchObject({ 'gpt-4o': { tokens_per_minute: 60_000 } })
  })

  it('shows what the simulator refuses at its field, and keeps the draft', async () => {
    const resources = { acme: { deployments: { chat: { model: 'gpt-4o' } } } }
    await using room = await openControlRoom({
      options: { deployments, resources },
      fragment: '#/steer/deployments/acme/chat',
    })
    const { page } = room
    await page.getByLabel('Spillover to').fill('nowhere')
    await page.getByRole('button', { name: 'Review and send' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Send 1 change' }).click()
    await dialog.getByRole('button', { name: 'deployments.chat.spillover_to' }).click()
    const field = page.getByLabel('Spillover to')
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.inputValue()).toBe('nowhere')
    expect(await page.locator('.field-problem').innerText()).toContain('spilloverTo')
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    expect(await field.inputValue()).toBe('')
  })
})
