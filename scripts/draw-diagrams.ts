// Draws the diagrams of the modes, the gateway and the request pipeline, and writes the table of stages. --check only fails if one
// of them is stale.
import { readFile, writeFile } from 'node:fs/promises'
import { format } from 'oxfmt'
import { settingsTable } from '../src/config/settings-table.ts'
import { handlers, observers, stages, type DiagramStage } from './request-stages.ts'

const ink = '#1f2328'
const faint = '#59636e'
const blue = '#0b5fa5'
const green = '#1f7a44'
const purple = '#6f42a8'
const red = '#b42336'
const amber = '#9a5b00'
const tints: Readonly<Record<string, string>> = {
  [blue]: '#e8f2fb',
  [green]: '#e6f4ea',
  [purple]: '#f1eafa',
  [red]: '#fdecee',
  [amber]: '#fdf3e0',
  [faint]: '#f3f4f6',
}

const width = 960

interface TextStyle {
  readonly size?: number
  readonly colour?: string
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly bold?: boolean
  readonly mono?: boolean
}

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 14, colour = ink, anchor = 'start', bold = false, mono = false } = style
  const family = mono ? ' font-family="ui-monospace, Menlo, Consolas, monospace"' : ''
  const weight = bold ? ' font-weight="bold"' : ''
  return `<text x="${x}" y="${y}" font-size="${size}" fill="${colour}" text-anchor="${anchor}"${weight}${family}>${escape(content)}</text>`
}

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function box(area: Area, colour: string, dashed = false): string {
  const dash = dashed ? ' stroke-dasharray="5 4"' : ''
  return `<rect x="${area.x}" y="${area.y}" width="${area.width}" height="${area.height}" rx="7" fill="${tints[colour] ?? '#fff'}" stroke="${colour}" stroke-width="1.5"${dash}/>`
}

function arrow(points: readonly (readonly [number, number])[], colour: string, dashed = false): string {
  const path = points.map(([x, y]) => `${x},${y}`).join(' ')
  const dash = dashed ? ' stroke-dasharray="5 4"' : ''
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash} marker-end="url(#head-${colour.slice(1)})"/>`
}

function picture(height: number, title: string, parts: readonly string[]): string {
  const heads = [blue, green, purple, red, amber, faint].map(
    (colour) =>
      `<marker id="head-${colour.slice(1)}" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="5.5" markerHeight="5.5" orient="auto"><path d="M0 0L10 5L0 10z" fill="${colour}"/></marker>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" role="img">`,
    `<title>${escape(title)}</title>`,
    `<defs>${heads.join('')}</defs>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="12" fill="#fff" stroke="#d0d7de"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Throws for a name that is not a setting. */
function setting(env: string): string {
  if (!settingsTable().some((known) => known.env === env))
    throw new Error(`Could not draw the modes: ${env} is not a setting.`)
  return env
}

interface ModePanel {
  readonly mode: string
  readonly colour: string
  readonly says: string
  /** The box to the right of the simulator. */
  readonly other: {
    readonly lines: readonly string[]
    readonly how: 'reads' | 'writes' | 'asks'
    readonly note: string
  }
  readonly second?: ModePanel['other']
  readonly settings: readonly string[]
}

function modePanel({ mode, colour, says, other, second, settings }: ModePanel, top: number): string[] {
  const middle = top + 86
  const client: Area = { x: 30, y: middle - 30, width: 150, height: 60 }
  const simulator: Area = { x: 330, y: middle - 38, width: 190, height: 76 }
  const out = [
    text(30, top + 32, mode, { size: 19, bold: true, colour }),
    text(30 + 14 + mode.length * 11.5, top + 32, says, { colour: faint }),
    box(client, faint),
    text(105, middle + 5, 'your application', { anchor: 'middle' }),
    box(simulator, colour),
    text(425, middle - 4, 'simulator', { anchor: 'middle', bold: true, size: 15 }),
    text(425, middle + 18, `SIMULATOR_MODE=${mode}`, { anchor: 'middle', size: 12, mono: true }),
    arrow(
      [
        [182, middle - 12],
        [326, middle - 12],
      ],
      faint,
    ),
    text(254, middle - 20, 'request', { anchor: 'middle', size: 13, colour: faint }),
    arrow(
      [
        [326, middle + 12],
        [184, middle + 12],
      ],
      colour,
    ),
    text(254, middle + 31, 'answer', { anchor: 'middle', size: 13, colour }),
  ]
  const others = second ? [other, second] : [other]
  const height = second ? 50 : 64
  others.forEach(({ lines, how, note }, index) => {
    const y = second ? middle - 62 + index * 74 : middle - height / 2
    const centre = y + height / 2
    const area: Area = { x: 690, y, width: 240, height }
    out.push(box(area, how === 'asks' ? amber : colour, how === 'asks'))
    lines.forEach((line, row) => {
      const style = { anchor: 'middle', size: row === 0 ? 14 : 12.5, mono: row > 0 } as const
      out.push(text(810, centre + 5 + (row - (lines.length - 1) / 2) * 19, line, style))
    })
    const at = Math.max(simulator.y + 16, Math.min(simulator.y + simulator.height - 16, centre))
    const from: [number, number] = [522, at]
    const to: [number, number] = [686, centre]
    const line = how === 'reads' ? [to, from] : [from, to]
    out.push(
      arrow(
        line.map(([x, y2]) => [x, y2] as const),
        how === 'asks' ? amber : colour,
        how === 'asks',
      ),
    )
    const noteY = centre === at ? at - 9 : (at + centre) / 2 + (centre < at ? -12 : 22)
    out.push(text(604, noteY, note, { anchor: 'middle', size: 13, colour: how === 'asks' ? amber : colour }))
  })
  out.push(text(30, top + 162, settings.map(setting).join('  ·  '), { size: 12, mono: true, colour: faint }))
  return out
}

function modes(): string {
  const known = settingsTable().find(({ env }) => env === 'SIMULATOR_MODE')?.range
  const panels: readonly ModePanel[] = [
    {
      mode: 'generate',
      colour: blue,
      says: 'generated answers with exact token counts, for load tests',
      other: {
        lines: ['your deployments', 'model, limits, latency'],
        how: 'reads',
        note: 'reads at start-up',
      },
      settings: ['OPENAI_DEPLOYMENT_CONFIG_PATH', 'LATENCY_PROFILE', 'SIMULATOR_SEED'],
    },
    {
      mode: 'record',
      colour: purple,
      says: 'a proxy that records answers, to create fixtures',
      other: { lines: ['Azure OpenAI or compatible'], how: 'asks', note: 'forwards (billed)' },
      second: { lines: ['recordings/*.yaml'], how: 'writes', note: 'appends' },
      settings: ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_KEY', 'RECORDING_DIR', 'RECORDING_REDACT'],
    },
    {
      mode: 'replay',
      colour: green,
      says: 'answers from recordings, without a network, for CI',
      other: { lines: ['recordings/*.yaml'], how: 'reads', note: 'looks up' },
      settings: ['RECORDING_DIR', 'REPLAY_ON_MISS', 'REPLAY_STRICT', 'MATCH_IGNORE_FIELDS'],
    },
    {
      mode: 'forward',
      colour: amber,
      says: 'a proxy that records nothing, for mixing real and simulated deployments',
      other: { lines: ['Azure OpenAI or compatible'], how: 'asks', note: 'forwards (billed)' },
      settings: ['AZURE_OPENAI_ENDPOINT', 'AZURE_OPENAI_KEY', 'UPSTREAM_RETRIES'],
    },
  ]
  const names = panels.map(({ mode }) => mode)
  if (known !== `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`) {
    throw new Error(
      `Could not draw the modes: the setting has ${known}, the diagram has ${names.join(', ')}.`,
    )
  }
  const height = 184
  const parts = panels.flatMap((panel, index) => {
    const top = 6 + index * height
    const rule = index > 0 ? [`<line x1="30" y1="${top}" x2="930" y2="${top}" stroke="#d0d7de"/>`] : []
    return [...rule, ...modePanel(panel, top)]
  })
  return picture(
    panels.length * height + 12,
    'Data flow of the modes generate, record, replay and forward',
    parts,
  )
}

interface GatewayRoute {
  readonly name: string
  readonly does: string
  readonly colour: string
  /** Index of the box to the right; -1 for none. */
  readonly to: number
}

/** The gateway: clients of three APIs, deployments with their sources, and upstreams. */
function gateway(): string {
  const clients = [
    ['OpenAI client', '/v1/chat/completions'],
    ['Azure OpenAI client', '/openai/deployments/...'],
    ['Anthropic client', '/anthropic/v1/messages'],
  ] as const
  const routes: readonly GatewayRoute[] = [
    { name: 'chat', does: 'forwarded unchanged', colour: amber, to: 0 },
    { name: 'codex', does: 'chat converted to Responses', colour: purple, to: 0 },
    { name: 'claude', does: 'chat converted to Messages', colour: purple, to: 1 },
    { name: 'ci', does: 'replayed, a miss is recorded', colour: green, to: 2 },
    { name: 'draft', does: 'generated', colour: blue, to: -1 },
  ]
  const targets = [
    { lines: ['upstream east', 'Azure OpenAI, a key'], colour: amber, y: 112 },
    { lines: ['upstream foundry', 'Claude, Microsoft Entra ID'], colour: amber, y: 212 },
    { lines: ['recordings/*.yaml', 'a miss asks upstream east'], colour: green, y: 296 },
  ] as const
  const rowHeight = 46
  const rowOf = (index: number): number => 104 + index * 58
  const outer: Area = { x: 290, y: 22, width: 350, height: 378 }
  const out = [
    `<rect x="${outer.x}" y="${outer.y}" width="${outer.width}" height="${outer.height}" rx="9" fill="#fafbfc" stroke="${faint}" stroke-width="1.5"/>`,
    text(465, 50, 'gateway', { anchor: 'middle', bold: true, size: 17 }),
    text(465, 74, 'keys, deployments, limits, faults, incidents', {
      anchor: 'middle',
      size: 13,
      colour: faint,
    }),
  ]
  clients.forEach(([name, path], index) => {
    const y = 92 + index * 92
    out.push(
      box({ x: 24, y, width: 210, height: 58 }, faint),
      text(129, y + 24, name, { anchor: 'middle' }),
      text(129, y + 44, path, { anchor: 'middle', size: 12, mono: true, colour: faint }),
      arrow(
        [
          [236, y + 29],
          [outer.x - 4, y + 29],
        ],
        faint,
      ),
    )
  })
  routes.forEach(({ name, does, colour, to }, index) => {
    const y = rowOf(index)
    const target = targets[to]
    out.push(
      box({ x: 310, y, width: 310, height: rowHeight }, colour),
      text(324, y + 28, name, { bold: true, mono: true, colour }),
      text(396, y + 28, does, { size: 13 }),
    )
    if (target) {
      const end = target.y + 29 + (to === 0 ? (index === 0 ? -10 : 10) : 0)
      out.push(
        arrow(
          [
            [622, y + rowHeight / 2],
            [712, end],
          ],
          target.colour,
          to !== 2,
        ),
      )
    }
  })
  for (const { lines, colour, y } of targets) {
    const [first, second] = lines
    out.push(
      box({ x: 716, y, width: 220, height: 58 }, colour, colour === amber),
      text(826, y + 24, first, { anchor: 'middle' }),
      text(826, y + 44, second, { anchor: 'middle', size: 12.5, colour: faint }),
    )
  }
  return picture(
    422,
    'Gateway: clients of three APIs, deployments that are forwarded, converted, replayed or generated, and their upstreams',
    out,
  )
}

const stageArea = { x: 150, width: 140, height: 34 }
/** Left edges of the columns. */
const column = { exit: 686, status: 716, when: 778 }

function stageRow(stage: DiagramStage, y: number, colour: string): string[] {
  const { x, width: boxWidth, height } = stageArea
  const middle = y + height / 2 + 5
  const out = [
    box({ x, y, width: boxWidth, height }, colour),
    text(x + boxWidth / 2, middle, stage.name, { anchor: 'middle', bold: true }),
    text(x + boxWidth + 16, middle, stage.does, { size: 13 }),
  ]
  if (stage.canEndWith) {
    const { status, when } = stage.canEndWith
    out.push(
      arrow(
        [
          [column.exit, y + height / 2],
          [column.status - 8, y + height / 2],
        ],
        red,
      ),
    )
    out.push(text(column.status, middle, status, { size: 13, bold: true, colour: red }))
    out.push(text(column.when, middle, when, { size: 12, colour: faint }))
  }
  return out
}

/** Lists the stages that skip requests of a source. */
function skipped(source: DiagramStage['sources'][number], who: string, why: string): string {
  const names = stages.filter(
    (stage) => !stage.sources.includes(source) && !stage.ifConfigured?.includes(source),
  )
  return `Skipped for ${who} (${why}): ${names.map(({ name }) => name).join(', ')}.`
}

/** Lists the stages that act on a source only if the deployment sets them. */
function conditional(source: DiagramStage['sources'][number], who: string): string {
  const names = stages.filter((stage) => stage.ifConfigured?.includes(source)).map(({ name }) => name)
  return `For ${who}, only if the deployment sets them: ${names.join(', ')}.`
}

function requestPipeline(): string {
  const { x, width: boxWidth, height } = stageArea
  const centre = x + boxWidth / 2
  const gap = 16
  const out: string[] = [
    text(x, 34, 'Request pipeline', { size: 19, bold: true }),
    text(column.status, 34, 'can end with', { size: 13, bold: true, colour: red }),
  ]
  let y = 50
  const downTo = (next: number): void => {
    out.push(
      arrow(
        [
          [centre, y - 1],
          [centre, next - 2],
        ],
        faint,
      ),
    )
    y = next
  }
  const end = (row: number): number => row + height

  out.push(box({ x, y, width: boxWidth, height }, faint))
  out.push(text(centre, y + 22, 'socket', { anchor: 'middle', bold: true }))
  out.push(text(x + boxWidth + 16, y + 22, 'accepts the connection and reads the body', { size: 13 }))
  out.push(
    arrow(
      [
        [column.exit, y + height / 2],
        [column.status - 8, y + height / 2],
      ],
      red,
    ),
  )
  out.push(text(column.status, y + 22, '413', { size: 13, bold: true, colour: red }))
  out.push(text(column.when, y + 22, 'too large', { size: 12, colour: faint }))
  y = end(y)

  const observersTop = y + 18
  for (const [index, stage] of observers.entries()) {
    downTo(y + (index === 0 ? 20 : gap))
    out.push(...stageRow(stage, y, green))
    y = end(y)
  }
  const observersMiddle = (observersTop + y) / 2
  out.push(
    text(column.exit, observersMiddle + 5, 'observers: see every request', { size: 13, colour: green }),
  )
  out.push(text(column.exit, observersMiddle + 23, 'and its final answer', { size: 13, colour: green }))

  for (const [index, stage] of stages.entries()) {
    downTo(y + (index === 0 ? 22 : gap))
    out.push(...stageRow(stage, y, stage.name === 'extension' ? purple : blue))
    y = end(y)
  }
  downTo(y + 22)
  const handlersTop = y
  const handlerHeight = 52
  handlers.forEach((handler, index) => {
    const area = { x: x + index * 131, y: handlersTop, width: 122, height: handlerHeight }
    out.push(box(area, blue))
    out.push(text(area.x + 61, handlersTop + 22, handler.name, { anchor: 'middle', bold: true }))
    out.push(text(area.x + 61, handlersTop + 41, handler.does, { anchor: 'middle', size: 12.5 }))
  })
  out.push(text(column.exit, handlersTop + 22, 'the source plans the answer;', { size: 13 }))
  out.push(text(column.exit, handlersTop + 41, 'text is rendered later', { size: 13 }))
  y = handlersTop + handlerHeight

  const sendTop = y + 26
  const send: Area = { x, y: sendTop, width: 512, height: 52 }
  out.push(
    arrow(
      [
        [centre, y + 1],
        [centre, sendTop - 3],
      ],
      amber,
    ),
  )
  out.push(box(send, amber))
  out.push(
    text(x + 256, sendTop + 22, 'send: renders and sends each token when it is due', {
      anchor: 'middle',
      bold: true,
    }),
  )
  out.push(text(x + 256, sendTop + 41, 'stops when the client disconnects', { anchor: 'middle', size: 13 }))
  out.push(text(column.exit, sendTop + 22, 'the delay of each token', { size: 13, colour: amber }))
  out.push(text(column.exit, sendTop + 41, 'is in the metrics', { size: 13, colour: amber }))

  // The answer returns to the socket. Observers are called at its end.
  const sendMiddle = sendTop + 26
  out.push(
    arrow(
      [
        [x - 2, sendMiddle - 10],
        [30, sendMiddle - 10],
        [30, 67],
        [x - 4, 67],
      ],
      amber,
    ),
  )
  out.push(text(42, 58, 'answer', { size: 13, colour: amber }))
  out.push(
    arrow(
      [
        [x - 2, sendMiddle + 10],
        [84, sendMiddle + 10],
        [84, observersMiddle],
        [x - 4, observersMiddle],
      ],
      green,
      true,
    ),
  )
  out.push(text(92, observersMiddle - 9, 'end', { size: 13, colour: green }))
  out.push(
    text(30, sendTop + 80, skipped('replay', 'replay', 'recordings include the result'), {
      size: 13,
      colour: faint,
    }),
    text(30, sendTop + 100, skipped('forward', 'record and forward', 'the real service does this'), {
      size: 13,
      colour: faint,
    }),
    text(30, sendTop + 120, conditional('forward', 'record and forward'), { size: 13, colour: faint }),
  )
  return picture(
    sendTop + 138,
    'Request pipeline: the stages in order, and the status codes with which each can end a request',
    out,
  )
}

/** Writes the table of stages between the markers of the document. */
async function withStages(path: string): Promise<string> {
  const rows = [...observers, ...stages].map(({ name, file, does, canEndWith }) => {
    const left = canEndWith ? `${canEndWith.status.replaceAll(' ', ', ')}: ${canEndWith.when}` : ''
    return `| \`${name}\` | ${does} | ${left} | \`src/${file}\` |`
  })
  const table = ['| stage | description | can end with | code |', '| - | - | - | - |', ...rows].join('\n')
  const mark = /(<!-- stages: made by scripts\/draw-diagrams.ts -->\n)[^]*?(\n<!-- end of stages -->)/
  const document = await readFile(new URL(`../${path}`, import.meta.url), 'utf8')
  if (!mark.test(document)) throw new Error(`Could not find the stage markers in ${path}. Restore them.`)
  const written = document.replace(mark, (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  return (await format(path, written, { printWidth: 110 })).code
}

const made: Readonly<Record<string, string>> = {
  'docs/images/modes.svg': modes(),
  'docs/images/gateway.svg': gateway(),
  'docs/images/request-pipeline.svg': requestPipeline(),
  'docs/architecture.md': await withStages('docs/architecture.md'),
}
for (const [path, content] of Object.entries(made)) {
  const url = new URL(`../${path}`, import.meta.url)
  if ((await readFile(url, 'utf8').catch(() => '')) === content) continue
  if (process.argv.includes('--check')) {
    console.error(`${path} is stale. Run: npx tsx scripts/draw-diagrams.ts`)
    process.exitCode = 1
  } else {
    await writeFile(url, content)
    console.log(`Wrote ${path}`)
  }
}
