import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Context } from 'hono'
import type { AppEnv } from './app.ts'
import type { Page } from './pages.ts'
import type { Simulator } from './simulator.ts'
import { refuseUnauthorized } from './admin/create-admin.ts'
import { refuse } from './admin/admin-route.ts'

/** A file of the page. */
interface Asset {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Compressed with gzip. */
  readonly compressed: Uint8Array<ArrayBuffer>
  /** Strong; the compressed form has another one. */
  readonly tag: string
}

/** The files of the control room, or undefined if it is not built. */
interface ControlRoomFiles {
  /** HTML with `{assets}` for the relative path of `/++/ui/`. */
  readonly index: string
  readonly assets: ReadonlyMap<string, Asset>
}

/** The folder of the package, found by its name from the source and from the build. */
const packageFolder = dirname(createRequire(import.meta.url).resolve('aoai-simulated-api/package.json'))

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.html': 'text/html; charset=utf-8',
}

/**
 * Headers of the page and its files. Scripts, styles and calls go to the simulator only, and no other site can show the page in a
 * frame.
 */
const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "font-src 'none'",
    "object-src 'none'",
    "worker-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** Serves the control room. */
export interface ControlRoom {
  /** Answers a browser at `/`. Undefined if the client did not ask for HTML, or asks for JSON as well. */
  readonly answerRoot: (context: Context<AppEnv>) => Response | undefined
  /** The pages `/++` and `/++/ui/...`. They contain no data and need no key. */
  readonly pages: readonly Page[]
}

/**
 * Creates the pages of the control room.
 *
 * @param listPaths answers clients of the admin API at /++: 401 without the key, else 404 with the paths
 * @param folder folder of the built page
 */
export function createControlRoom(
  { config }: Pick<Simulator, 'config'>,
  listPaths: Page['answer'],
  folder: string = join(packageFolder, 'dist/ui'),
): ControlRoom {
  let read: ControlRoomFiles | undefined
  const files = (): ControlRoomFiles | undefined => (read ??= readFiles(folder))

  const showPage = (context: Context<AppEnv>): Response => {
    const shown = files()
    if (!shown) return notBuilt()
    const { pathname } = new URL(context.req.url)
    return sendAsset(
      context,
      createAsset('.html', pageAt(shown.index, pathname, config.pagesPrefix)),
      'no-cache',
    )
  }
  const wrongMethod: Page['answer'] = async ({ req }) => {
    const refusal = refuseUnauthorized(req.raw, config.adminApiKey)
    if (refusal) return refusal
    const message = `Could not ${req.method} this path: the allowed methods are GET, HEAD.`
    const { status, body } = refuse(405, 'MethodNotAllowed', message)
    return Response.json(body, { status, headers: { Allow: 'GET, HEAD' } })
  }
  return {
    answerRoot: (context) =>
      accepts(context, 'text/html') && !accepts(context, 'application/json') ? showPage(context) : undefined,
    pages: [
      {
        method: 'GET',
        path: '/++',
        servedBy: 'every',
        answer: async (context) => (isProgram(context) ? listPaths(context) : showPage(context)),
      },
      {
        method: 'GET',
        path: '/++/ui/:file',
        servedBy: 'every',
        async answer(context) {
          const asset = files()?.assets.get(context.req.param('file') ?? '')
          // The names contain a hash of the content, except the icon.
          const keeps = asset?.type === types['.svg'] ? 'max-age=86400' : 'max-age=31536000, immutable'
          return asset ? sendAsset(context, asset, keeps) : listPaths(context)
        },
      },
      { path: '/++', servedBy: 'every', answer: wrongMethod },
      { path: '/++/ui/:file', servedBy: 'every', answer: wrongMethod },
    ],
  }
}

function readFiles(folder: string): ControlRoomFiles | undefined {
  if (!existsSync(join(folder, 'index.html'))) return undefined
  const read = (name: string): Buffer => readFileSync(join(folder, name))
  const assets = readdirSync(folder)
    .filter((name) => types[extname(name)] !== undefined && name !== 'index.html')
    .map((name) => [name, createAsset(extname(name), read(name))] as const)
  return { index: read('index.html').toString('utf8'), assets: new Map(assets) }
}

function createAsset(extension: string, content: string | Uint8Array): Asset {
  const bytes = Uint8Array.from(typeof content === 'string' ? Buffer.from(content) : content)
  return {
    type: types[extension] ?? '',
    bytes,
    compressed: Uint8Array.from(gzipSync(bytes, { level: 9 })),
    tag: createHash('sha256').update(bytes).digest('base64url').slice(0, 27),
  }
}

/**
 * Returns the page with relative addresses of its files, so that it works behind a proxy that puts a prefix in front.
 *
 * @param path path of the request as sent by the client
 */
function pageAt(index: string, path: string, prefix = ''): string {
  const isRoot = !/\/\+\+\/*$/.test(path)
  // Addresses are relative to the folder of the path: without a slash at its end, to that of its last segment.
  const last = isRoot ? encodeURIComponent(prefix.slice(prefix.lastIndexOf('/') + 1)) : '++'
  const folder = path.endsWith('/') ? '' : `${last}/`
  return index.replaceAll('{assets}', `${folder}${isRoot ? '++/' : ''}ui/`)
}

function sendAsset(context: Context<AppEnv>, asset: Asset, caching: string): Response {
  const isCompressed = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/i.test(
    context.req.header('accept-encoding') ?? '',
  )
  const tag = `"${asset.tag}${isCompressed ? '-gzip' : ''}"`
  const headers = {
    ...securityHeaders,
    'Cache-Control': caching,
    ETag: tag,
    Vary: 'Accept, Accept-Encoding',
  }
  if (matches(context.req.header('if-none-match'), tag)) return new Response(null, { status: 304, headers })
  return new Response(isCompressed ? asset.compressed : asset.bytes, {
    headers: {
      ...headers,
      'Content-Type': asset.type,
      ...(isCompressed && { 'Content-Encoding': 'gzip' }),
    },
  })
}

/** Whether `If-None-Match` has the tag. The comparison is weak, as RFC 9110 defines it for GET. */
function matches(given: string | undefined, tag: string): boolean {
  if (given === undefined) return false
  return given.split(',').some((one) => ['*', tag].includes(one.trim().replace(/^W\//, '')))
}

/** Whether a request comes from a client of the admin API. A browser opens the page without a key. */
function isProgram(context: Context<AppEnv>): boolean {
  const { req } = context
  const hasKey = req.header('api-key') !== undefined || req.header('authorization') !== undefined
  return hasKey || (accepts(context, 'application/json') && !accepts(context, 'text/html'))
}

function accepts({ req }: Context<AppEnv>, type: string): boolean {
  return (req.header('accept') ?? '')
    .toLowerCase()
    .split(/[,;\s]+/)
    .includes(type)
}

function notBuilt(): Response {
  const text =
    'aoai-simulated-api is running.\nThe control room is not built. Run npm run build and start again.\n'
  return new Response(text, { headers: { ...securityHeaders, 'Content-Type': 'text/plain; charset=utf-8' } })
}
