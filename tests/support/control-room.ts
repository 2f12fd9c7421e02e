import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import type { createSimulator } from '../../src/index.ts'
import type { SimulatorHandle, SimulatorOptions } from '../../src/server/simulator-handle.ts'
import { packageFolder } from './built-program.ts'
import { isInstalled, needs } from './installed-tool.ts'

/** The same engine without windows. It takes half of the CPU time of `chromium`. */
const headlessShell = 'chromium-headless-shell'

/** Chromium for the tests of the control room: `CHROMIUM`, or `chromium-headless-shell` or `chromium` in PATH. */
export const chromiumNeed =
  process.env['CHROMIUM'] !== undefined || isInstalled(headlessShell)
    ? { isMissing: false, note: '' }
    : needs('chromium')

/** Options of `openControlRoom`. */
export interface ControlRoomOptions {
  /** Options of the simulator that is started. Default: those of the library. */
  readonly options?: SimulatorOptions<'system'> | SimulatorOptions<'virtual'>
  /** A simulator that runs already, such as a program with workers. It is not closed. */
  readonly running?: { readonly url: string; readonly adminApiKey: string }
  /** In pixels. Default 1,280. */
  readonly width?: number
  readonly dark?: boolean
  /** Default true: an animation that does not end takes CPU time. */
  readonly reducedMotion?: boolean
  /** Whether the test moves the clock of the page by `room.skipUntil`. Default false. */
  readonly hasOwnClock?: boolean
  /** Whether the key is there already, so that the page opens without sign-in. Default true. */
  readonly isSignedIn?: boolean
  /** Fragment that is opened first, such as `#/logs`. */
  readonly fragment?: string
}

/** The page in Chromium, with its simulator. Disposing it closes both, and fails if there were problems. */
export interface ControlRoom extends AsyncDisposable {
  readonly page: Page
  readonly url: string
  readonly adminApiKey: string
  /** The started simulator. Throws if the test brought a running one. */
  readonly simulator: SimulatorHandle
  /**
   * Errors of the page, errors on its console (also violations of the content security policy), and requests to other hosts. A test that
   * expects one removes it: `problems.length = 0`.
   */
  readonly problems: string[]
  /** Moves the clock of the page until a part of it is visible, for what the page reads every few seconds. Needs `hasOwnClock`. */
  readonly skipUntil: (part: Locator) => Promise<void>
  /** Sends a chat request with the key of the simulator. */
  readonly chat: (body?: object, path?: string) => Promise<Response>
}

/** Opens the control room. Use it with `await using`. */
export async function openControlRoom(given: ControlRoomOptions = {}): Promise<ControlRoom> {
  const { options, running, width = 1280, dark = false, reducedMotion = true, isSignedIn = true } = given
  const started = running
    ? undefined
    : await (await loadLibrary()).createSimulator({ log: 'silent', ...options })
  const url = running?.url ?? (await started?.listen())?.url ?? ''
  const adminApiKey = running?.adminApiKey ?? started?.adminApiKey ?? ''
  const browser = await useBrowser()
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    locale: 'en-US',
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
  })
  const page = await context.newPage()
  if (given.hasOwnClock) await page.clock.install()
  page.setDefaultTimeout(20_000)
  const problems = watchPage(page, url)
  if (isSignedIn) {
    // As text: the types of this folder have no DOM.
    await page.addInitScript({
      content: `sessionStorage.setItem('aoai-sim-admin-key', ${JSON.stringify(adminApiKey)})`,
    })
  }
  await page.goto(`${url}/++/${given.fragment ?? ''}`)
  return {
    page,
    url,
    adminApiKey,
    problems,
    get simulator() {
      if (!started) throw new Error('Could not return the simulator: the test brought a running one.')
      return started as unknown as SimulatorHandle
    },
    async skipUntil(part) {
      // An answer takes real time.
      while (!(await part.isVisible())) {
        await page.clock.fastForward(1_000)
        await sleep(20)
      }
    },
    chat: (body = {}, path = '/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21') =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'api-key': started?.apiKey ?? adminApiKey },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5, ...body }),
      }),
    async [Symbol.asyncDispose]() {
      await context.close()
      releaseBrowser()
      await started?.close()
      if (problems.length > 0) throw new Error(`The control room has problems:\n${problems.join('\n')}`)
    },
  }
}

/** The built library, which `dist/ui` belongs to. It loads much faster than the source. */
function loadLibrary(): Promise<{ readonly createSimulator: typeof createSimulator }> {
  return import(join(packageFolder, 'dist/index.js'))
}

function watchPage(page: Page, url: string): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(`Error of the page: ${error.message}`))
  page.on('console', (message) => {
    const text = message.text()
    // Chromium reports each answer with an error status. A form with a wrong value causes a 400.
    const isClientError = /^Failed to load resource: .*status of 4\d\d/.test(text)
    if (message.type() === 'error' && !isClientError) problems.push(`Error on the console: ${text}`)
  })
  // A value that a person enters can be wrong. What the page reads by itself exists; a wrong key is the exception.
  page.on('response', (response) => {
    const status = response.status()
    if (response.request().method() === 'GET' && status >= 400 && status !== 401)
      problems.push(`Answer with status ${status}: ${response.url()}`)
  })
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== new URL(url).origin && !['data:', 'blob:'].includes(protocol))
      problems.push(`Request to another host: ${request.url()}`)
  })
  return problems
}

let browser: Promise<Browser> | undefined
let users = 0
let closing: NodeJS.Timeout | undefined

/** Time after the last page until Chromium is closed. The next test of a file uses the same one. */
const IDLE_MS = 1_000

function useBrowser(): Promise<Browser> {
  users++
  clearTimeout(closing)
  browser ??= chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox', '--disable-gpu'] })
  return browser
}

function releaseBrowser(): void {
  if (--users > 0) return
  closing = setTimeout(() => {
    const open = browser
    browser = undefined
    void open?.then((one) => one.close())
  }, IDLE_MS)
}

function chromiumPath(): string {
  const name = isInstalled(headlessShell) ? headlessShell : 'chromium'
  return process.env['CHROMIUM'] ?? execFileSync('which', [name], { encoding: 'utf8' }).trim()
}
