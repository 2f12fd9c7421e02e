import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { parseIncidentFile } from '../../../src/config/incident-file.ts'
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
    expect(await page.getByRole('textbox', { name: 'Tokens per minute', exact: true }).inputValue()).toBe('1')
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
    await page.getByRole('textbox', { name: 'Spillover to' }).fill('nowhere')
    await page.getByRole('button', { name: 'Review and send' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Send 1 change' }).click()
    await dialog.getByRole('button', { name: 'deployments.chat.spillover_to' }).click()
    const field = page.getByRole('textbox', { name: 'Spillover to' })
    expect(await field.getAttribute('aria-invalid')).toBe('true')
    expect(await field.inputValue()).toBe('nowhere')
    expect(await page.locator('.field-problem').innerText()).toContain('spilloverTo')
    // Another document is read after the edit.
    await page.getByRole('link', { name: 'Faults', exact: true }).click()
    await page.getByRole('button', { name: 'Add to Faults' }).click()
    await page.getByRole('slider', { name: 'Probability' }).waitFor()
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await page.getByRole('link', { name: 'Deployments', exact: true }).click()
    await page.getByRole('link', { name: /^chat/ }).click()
    expect(await field.inputValue()).toBe('')
  })

  it('starts and stops incidents, and saves them as a file for INCIDENTS_PATH', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer/incidents' })
    const { page, chat } = room
    await page.getByRole('button', { name: /^Region outage/ }).click()
    // The first phase has errors for 30 % of the requests. Its fault is changed, so that each request fails.
    await page.getByRole('button', { name: 'Remove item 1' }).first().click()
    const picture = page.getByRole('region', { name: 'Timetable' }).getByRole('figure')
    expect(await picture.innerText()).toMatch(/^outage/)
    await page.getByRole('button', { name: 'Start…' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('list', { name: /^Difference/ }).innerText()).toMatch(/none[^]*outage/)
    await dialog.getByRole('button', { name: 'Send 1 change' }).click()
    const running = page.getByRole('region', { name: 'Running incidents' })
    await running.getByText('Round 1 of 1').waitFor()
    expect((await chat()).status).toBe(503)
    await page.getByRole('link', { name: 'Save, reset, clock' }).click()
    // The file before must not be saved with the name of the chosen one.
    await page.route('**/config/file?*part=incidents*', async (route) => {
      await setTimeout(300)
      await route.continue()
    })
    await page.getByLabel('File').selectOption('incidents')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as incidents.yaml' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('incidents.yaml')
    const file = readFileSync(await download.path(), 'utf8')
    const { timetable, problems } = parseIncidentFile(
      file,
      'incidents.yaml',
      new Set(Object.keys(deployments)),
    )
    expect(problems).toEqual([])
    expect(timetable?.phases.map(({ name }) => name)).toEqual(['outage', 'recovery'])
    await page.getByRole('link', { name: 'Incidents', exact: true }).click()
    await running.getByRole('button', { name: 'Stop' }).click()
    await running.getByText('No incidents are running').waitFor()
    expect((await chat()).status).toBe(200)
  })

  it('edits the configuration as JSON, saves it as a file, and resets it', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer/json' })
    const { page, simulator } = room
    const editor = page.getByRole('textbox', { name: 'Configuration as JSON' })
    const before = await editor.inputValue()
    await editor.fill(before.replace('{', '{,'))
    await page.getByText(/^This is not JSON/).waitFor()
    await editor.fill(
      before
        .replace('"East US 2"', '"Sweden Central"')
        .replace('"tool_call_rounds": 1', '"tool_call_rounds": 0'),
    )
    expect(await page.getByRole('list', { name: 'Difference from the simulator' }).innerText()).toMatch(
      /region[^]*tool_call_rounds/,
    )
    await page.getByRole('button', { name: 'Take into the draft' }).click()
    await sendDraft(page)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Not changed.').waitFor()
    expect(simulator.config().region).toBe('East US 2')
    await dialog.getByRole('button', { name: 'Back' }).click()
    await page.getByRole('link', { name: 'Settings' }).click()
    const rounds = page.getByRole('textbox', { name: 'Tool call rounds' })
    expect(await rounds.getAttribute('aria-invalid')).toBe('true')
    await rounds.fill('3')
    await sendDraft(page)
    await dialog.waitFor({ state: 'hidden' })
    expect(simulator.config()).toMatchObject({ region: 'Sweden Central', tool_call_rounds: 3 })
    await page.getByRole('link', { name: 'Save, reset, clock' }).click()
    await page.getByRole('region', { name: 'aoai-sim.yaml' }).getByText('region: Sweden Central').waitFor()
    await page.getByText('SIMULATOR_CLOCK=virtual').waitFor()
    await page.getByRole('button', { name: 'Reset the simulator…' }).click()
    await dialog.getByText('stored responses').waitFor()
    await dialog.getByRole('button', { name: 'Reset', exact: true }).click()
    await dialog.waitFor({ state: 'hidden' })
    expect(simulator.config()).toMatchObject({ region: 'East US 2', tool_call_rounds: 1 })
  })

  it('keeps the draft when another client changes the configuration, and shows the conflict', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer' })
    const { page, simulator } = room
    const tokens = page.getByRole('textbox', { name: 'Tokens per minute', exact: true })
    await tokens.fill('700')
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('textbox', { name: 'Region' }).fill('West US')
    await simulator.patch({
      openai_deployments: { 'gpt-4o': { tokens_per_minute: 800 } },
      tool_call_rounds: 4,
    })
    await page.getByText(/Another client has changed/).waitFor()
    expect(await page.getByRole('textbox', { name: 'Tool call rounds' }).inputValue()).toBe('4')
    expect(await page.getByRole('textbox', { name: 'Region' }).inputValue()).toBe('West US')
    await page.getByRole('button', { name: 'Take theirs' }).click()
    await sendDraft(page)
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    expect(simulator.config()).toMatchObject({
      region: 'West US',
      tool_call_rounds: 4,
      openai_deployments: { 'gpt-4o': { tokens_per_minute: 800 } },
    })
  })

  it('finds one of 200 deployments in 3 resources, shows a hostile name as text, and advances a virtual clock', async () => {
    const hostile = '<img src=x onerror=alert(1)>'
    const many = (prefix: string) =>
      Object.fromEntries(
        Array.from({ length: 67 }, (_, index) => [`${prefix}-${index}`, { model: 'gpt-4o' }]),
      )
    const resources = { east: { deployments: many('east') }, west: { deployments: many('west') } }
    await using room = await openControlRoom({
      options: {
        clock: 'virtual',
        deployments: { ...many('own'), [hostile]: { model: 'gpt-4o' } },
        resources,
      },
      fragment: '#/steer',
      width: 400,
    })
    const { page, simulator } = room
    await page.getByText('202 deployments').waitFor()
    const search = page.getByLabel('Find a deployment')
    await search.fill('img')
    await page.getByRole('link', { name: hostile }).click()
    await page.getByRole('heading', { name: hostile }).waitFor()
    await search.fill('west 42')
    await page.getByRole('link', { name: /^west-42/ }).click()
    // The form before has the same fields.
    await page.getByRole('heading', { name: 'west-42' }).waitFor()
    await page.getByLabel('Limit to').fill('5')
    await page.getByRole('button', { name: 'Limit…' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('As a request').click()
    expect(await dialog.getByRole('region', { name: 'curl command' }).innerText()).toContain(
      '/++/resources/west',
    )
    await dialog.getByRole('button', { name: 'Send 1 change' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await expect
      .poll(() => page.getByRole('textbox', { name: 'Tokens per minute', exact: true }).inputValue())
      .toBe('5')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(400)
    // A page of 1,280 px at 400 % zoom.
    await page.setViewportSize({ width: 320, height: 600 })
    await page.goto(`${room.url}/++/#/steer/settings`)
    await page.getByRole('slider').first().waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320)
    await page.getByRole('link', { name: 'Save, reset, clock' }).click()
    const before = simulator.clock.nowMs()
    await page.getByRole('button', { name: 'Advance 1 min' }).click()
    await expect.poll(() => simulator.clock.nowMs() - before).toBe(60_000)
  })

  it('slows a deployment down, lets it fail and stops it for a time with quick actions beside the draft', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer' })
    const { page, chat, simulator } = room
    const dialog = page.getByRole('dialog')
    const send = async () => {
      await dialog.getByRole('button', { name: 'Send 1 change' }).click()
      await dialog.waitFor({ state: 'hidden' })
    }
    await page.getByRole('textbox', { name: 'Tokens per minute', exact: true }).fill('700')
    await page.getByLabel('Make it slow').fill('0.2')
    await page.getByRole('button', { name: 'Slow down…' }).click()
    await send()
    const started = performance.now()
    expect((await chat()).status).toBe(200)
    expect(performance.now() - started).toBeGreaterThan(190)
    await page.getByLabel('Fail with 500').fill('100')
    await page.getByRole('button', { name: 'Fail…' }).click()
    await send()
    expect((await chat()).status).toBe(500)
    await page.getByRole('button', { name: 'Not failing…' }).click()
    await send()
    await page.getByRole('button', { name: 'Not slow…' }).click()
    await send()
    await page.getByRole('button', { name: 'Start…' }).click()
    await send()
    expect((await chat()).status).toBe(503)
    // The draft is still there, and was not sent.
    expect(simulator.config().openai_deployments).toEqual({
      'gpt-4o': { model: 'gpt-4o', tokens_per_minute: 60_000 },
    })
    await page.getByText('1 change in the draft').waitFor()
  })

  it('shows a new key of a resource once, and hides a typed secret in the review', async () => {
    await using room = await openControlRoom({ options: { deployments }, fragment: '#/steer/settings' })
    const { page, url } = room
    await page.getByLabel('Label of a new key').fill('load test')
    await page.getByRole('button', { name: 'Create a key' }).click()
    const dialog = page.getByRole('dialog')
    const key = await dialog.getByRole('region', { name: 'Key' }).innerText()
    await dialog.getByRole('button', { name: 'Close', exact: true }).last().click()
    const models = () => fetch(`${url}/openai/models?api-version=2024-10-21`, { headers: { 'api-key': key } })
    expect((await models()).status).toBe(200)
    await page.getByRole('switch', { name: 'load test' }).click({ force: true })
    await expect.poll(async () => (await models()).status).toBe(401)
    expect(await page.content()).not.toContain(key)
    await page.getByRole('link', { name: 'Upstreams' }).click()
    await page.getByLabel('New upstream').fill('east')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('textbox', { name: 'Endpoint' }).fill('http://127.0.0.1:1')
    await page.getByLabel('Key', { exact: true }).fill('planted-key')
    await page.getByRole('button', { name: 'Review and send' }).click()
    await dialog.getByText('As a request').click()
    expect(await dialog.innerText()).not.toContain('planted-key')
    await dialog.getByRole('button', { name: /^Send \d/ }).click()
    await dialog.waitFor({ state: 'hidden' })
    await expect.poll(() => page.getByLabel('Key', { exact: true }).inputValue()).toBe('[redacted]')
  })
})
