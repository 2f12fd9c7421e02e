import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { watchFiles } from './watch-files.ts'

const wait = { timeout: 30_000, interval: 20 }
const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

function folderOf(...names: readonly string[]): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'watch-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const paths = names.map((name) => join(dir, name))
  for (const path of paths) writeFileSync(path, 'before')
  return paths
}

const openWatches = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap' || name === 'StatWatcher').length

it.each([false, true])(
  'watchFiles reports simultaneous changes together, once (polling: %s)',
  async (poll) => {
    const [a = '', b = '', other = ''] = folderOf('a.yaml', 'b.yaml', 'other.yaml')
    const reports: (readonly string[])[] = []
    const watch = watchFiles({
      paths: [a, b],
      poll,
      pollMs: 20,
      quietMs: 400,
      logger,
      onChange: async (paths) => void reports.push(paths),
    })
    await watch.ready
    for (const path of [b, a, other]) writeFileSync(path, 'after')
    await vi.waitFor(() => expect(reports.flat()).toContain(b), wait)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(reports).toEqual([[a, b]])
    await watch.close()
  },
)

it.each([false, true])(
  'watchFiles reports nothing after it is closed, and leaves no watch open (polling: %s)',
  async (poll) => {
    const [a = ''] = folderOf('a.yaml')
    const before = openWatches()
    const onChange = vi.fn(async () => {})
    const watch = watchFiles({ paths: [a], poll, pollMs: 20, quietMs: 20, logger, onChange })
    await watch.ready
    expect(openWatches()).toBeGreaterThan(before)
    writeFileSync(a, 'after')
    await watch.close()
    await vi.waitFor(() => expect(openWatches()).toBe(before), wait)
    expect(onChange).not.toHaveBeenCalled()
  },
)

it('watchFiles can be closed before it is ready', async () => {
  const [a = ''] = folderOf('a.yaml')
  const before = openWatches()
  const watch = watchFiles({ paths: [a], poll: false, logger, onChange: async () => {} })
  await watch.close()
  await watch.ready
  await vi.waitFor(() => expect(openWatches()).toBe(before), wait)
})
