import { formatAmount, formatDuration, formatTime, missing } from '../lib/format.ts'
import { navigate, routeTo } from '../lib/router.ts'
import type { RetryKind, RetryPoint } from './wait-plot.ts'
import { waitAxis } from './wait-plot.ts'

const WIDTH = 640
const HEIGHT = 340
const LEFT = 88
/** Room at the right for retries without retry-after. */
const NONE_WIDTH = 96
const TOP = 12
const BOTTOM = 44
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
const NONE_X = WIDTH - NONE_WIDTH / 2

const kinds: readonly { readonly kind: RetryKind; readonly title: string }[] = [
  { kind: 'ok', title: 'waited' },
  { kind: 'early', title: 'too early' },
  { kind: 'forbidden', title: 'forbidden' },
]

/** How long retries waited, against the wait that the failed answer asked for. Points below the diagonal came too early. */
export function WaitPlot({ points }: { readonly points: readonly RetryPoint[] }) {
  const axis = waitAxis(points)
  const hasNone = points.some(({ toldMs }) => toldMs === undefined)
  const plotWidth = WIDTH - LEFT - (hasNone ? NONE_WIDTH : 24)
  const x = (ms: number): number => LEFT + axis.at(ms) * plotWidth
  const y = (ms: number): number => TOP + (1 - axis.at(ms)) * PLOT_HEIGHT
  const countOf = (kind: RetryKind): number => points.filter((point) => point.kind === kind).length
  const summary = kinds.map(({ kind, title }) => `${countOf(kind)} ${title}`).join(', ')
  const bottom = TOP + PLOT_HEIGHT
  const right = LEFT + plotWidth
  return (
    <figure class="wait-plot">
      <figcaption class="row">
        <h2>Waits of the latest retries</h2>
        <ul class="row wait-legend" aria-hidden="true">
          {kinds.map(({ kind, title }) => (
            <li key={kind}>
              <svg viewBox="-6 -6 12 12" class="wait-key">
                <Mark kind={kind} x={0} y={0} />
              </svg>
              {title} {countOf(kind)}
            </li>
          ))}
        </ul>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${formatAmount(points.length, 'retry', 'retries')} by the wait that was asked for and the wait of the client: ${summary}. The table below has the values.`}
      >
        <path class="wait-early-area" d={`M${LEFT} ${bottom}L${right} ${TOP}V${bottom}Z`} />
        {axis.ticksMs.map((ms) => (
          <g key={ms}>
            <path class="wait-line" d={`M${LEFT} ${y(ms)}H${right}M${x(ms)} ${TOP}V${bottom}`} />
            <text x={LEFT - 8} y={y(ms) + 4} class="wait-label-end">
              {formatDuration(ms)}
            </text>
            <text x={x(ms)} y={bottom + 16} class="wait-label-middle">
              {formatDuration(ms)}
            </text>
          </g>
        ))}
        <path class="wait-diagonal" d={`M${LEFT} ${bottom}L${right} ${TOP}`} />
        {hasNone && (
          <>
            <path class="wait-line" d={`M${right + 16} ${TOP}V${bottom}M${WIDTH - 8} ${TOP}V${bottom}`} />
            <text x={NONE_X} y={bottom + 16} class="wait-label-middle">
              none
            </text>
          </>
        )}
        <text x={LEFT + plotWidth / 2} y={HEIGHT - 6} class="wait-label-middle wait-title">
          asked for (retry-after)
        </text>
        <text x={14} y={TOP + PLOT_HEIGHT / 2} class="wait-label-middle wait-title wait-title-side">
          waited
        </text>
        <text x={right - 8} y={bottom - 10} class="wait-label-end wait-early-text">
          too early
        </text>
        {points.map((point) => (
          <g
            key={point.id}
            class="wait-point"
            onClick={() => navigate(routeTo(['requests', point.requestId]))}
          >
            <title>{titleOf(point)}</title>
            <Mark
              kind={point.kind}
              x={point.toldMs === undefined ? NONE_X + spread(point.id) : x(point.toldMs)}
              y={y(point.waitedMs)}
            />
          </g>
        ))}
      </svg>
    </figure>
  )
}

/** Points without retry-after are spread, so that they do not cover each other. */
function spread(id: number): number {
  return ((id * 7) % 41) - 20
}

function titleOf({ client, at, waitedMs, toldMs, kind }: RetryPoint): string {
  const word = kinds.find((one) => one.kind === kind)?.title
  return `${client}, ${formatTime(at)}: waited ${formatDuration(waitedMs)}, asked for ${toldMs === undefined ? missing : formatDuration(toldMs)} (${word})`
}

/** Kinds differ in shape as well as in colour. */
function Mark({ kind, x, y }: { readonly kind: RetryKind; readonly x: number; readonly y: number }) {
  if (kind === 'ok') return <circle class="wait-ok" cx={x} cy={y} r={4} />
  return kind === 'early' ? (
    <path class="wait-early" d={`M${x} ${y - 5}l5 9h-10z`} />
  ) : (
    <path class="wait-forbidden" d={`M${x - 4} ${y - 4}h8v8h-8z`} />
  )
}
