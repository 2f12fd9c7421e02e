import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { chromiumNeed, openControlRoom } from '../../support/control-room.ts'
import { chatCompletion, json, startFakeUpstream } from '../../support/fake-upstream.ts'
import { cassette, cassetteItem, recordingFolder } from '../../support/recording-folder.ts'

const path = '/v1/chat/completions'
const hostile = '<img src=x onerror=alert(1)>'
const body = (content: string, model = 'gpt-4o') => ({ model, messages: [{ role: 'user', content }] })
const items = ['one', 'two'].map((text) => cassetteItem(JSON.stringify(body(text)), '{"ok":1}'))

describe.skipIf(chromiumNeed.isMissing)(`recordings in the control room${chromiumNeed.note}`, () => {
  it('have hits and misses, and a miss is recorded with a button', async () => {
    const upstream = await startFakeUpstream(json(chatCompletion('real')))
    onTestFinished(() => upstream.close())
    const dir = recordingFolder({ 'chat.yaml': cassette(...items) })
    await using room = await openControlRoom({
      fragment: '#/recordings',
      hasOwnClock: true,
      options: {
        apiKey: 'data-key',
        mode: 'replay',
        recordings: { dir },
        upstream: { endpoint: upstream.url, key: 'upstream-key-0123456789' },
      },
    })
    const { page, url } = room
    const ask = (content: string, model?: string) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'api-key': 'data-key', 'content-type': 'application/json' },
        body: JSON.stringify(body(content, model)),
      })
    await ask('two')
    await ask('three')
    await ask('three', hostile)

    const card = page.getByRole('region', { name: `Folder ${dir}` })
    await room.skipUntil(card.getByText('1 of 3 requests had a recording'))
    const table = page.getByRole('table', { name: 'Recordings' })
    await table.getByRole('row').nth(2).getByText('1', { exact: true }).waitFor()
    await page.getByLabel('Use').selectOption({ label: 'Unused' })
    await expect.poll(() => table.getByRole('row').count()).toBe(2)
    await page.getByLabel('Search').fill('nothing like it')
    await page.getByRole('heading', { name: 'No recordings' }).waitFor()
    expect(await page.evaluate('location.hash')).toBe('#/recordings?text=nothing+like+it&used=false')

    await page.getByRole('tab', { name: 'Misses (2)' }).click()
    const misses = page.getByRole('list', { name: 'Misses' }).getByRole('listitem')
    await misses.nth(0).getByText(hostile).first().waitFor()
    const miss = misses.nth(1)
    const difference = miss.getByRole('row').nth(1)
    expect(await difference.getByRole('rowheader').innerText()).toBe('messages[0].content')
    expect(await difference.locator('mark').allInnerTexts()).toHaveLength(2)
    await miss.getByRole('button', { name: 'Record this' }).click()
    await miss.getByText('answered 200').waitFor()
    expect(readFileSync(join(dir, 'v1_chat_completions.yaml'), 'utf8')).toContain('three')
    expect((await ask('three')).status).toBe(200)
    expect(upstream.received).toHaveLength(1)

    await page.getByRole('button', { name: 'Clear the list' }).click()
    await page.getByRole('heading', { name: 'No misses' }).waitFor()
  })

  it('say how to use some, and why a miss cannot be recorded', async () => {
    await using room = await openControlRoom({ fragment: '#/recordings' })
    await room.page.getByRole('heading', { name: 'No recordings in use' }).waitFor()
    const dir = recordingFolder({ 'chat.yaml': cassette(...items) })
    await using replaying = await openControlRoom({
      fragment: '#/recordings/misses',
      width: 400,
      options: { apiKey: 'data-key', mode: 'replay', recordings: { dir } },
    })
    await replaying.chat()
    await replaying.page.getByText('Set AZURE_OPENAI_ENDPOINT').waitFor()
    expect(await replaying.page.getByRole('button', { name: 'Record this' }).isDisabled()).toBe(true)
    expect(await replaying.page.evaluate('document.documentElement.scrollWidth')).toBe(400)
  })

  it('that are only in memory are saved with a button', async () => {
    const upstream = await startFakeUpstream(json(chatCompletion('real')))
    onTestFinished(() => upstream.close())
    const dir = recordingFolder({})
    await using room = await openControlRoom({
      fragment: '#/recordings',
      options: {
        mode: 'record',
        recordings: { dir, autosave: false },
        upstream: { endpoint: upstream.url, key: 'upstream-key-0123456789' },
      },
    })
    await (await room.chat()).text()
    await room.page.getByRole('button', { name: 'Save 1 unwritten recording' }).click()
    await room.page.getByText('1 recording written').waitFor()
    await room.page.getByText('openai_deployments_gpt-4o_chat_completions.yaml').first().waitFor()
    expect(readdirSync(dir)).toContain('openai_deployments_gpt-4o_chat_completions.yaml')
  })
})
