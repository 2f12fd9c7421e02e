// SVG charts for the documents. A chart is a column of panels.

/** Colours that also differ in lightness, for colour-blind readers and print. */
export const colours = ['#0b5fa5', '#d1495b', '#2e8b57', '#8d6a9f', '#c77d0a'] as const

const ink = '#333'
const grid = '#ddd'
const size = { width: 760, left: 70, right: 190, top: 44, bottom: 46 }

/** A line or dots, with a name in the legend. */
export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Draw dots with this radius in pixels instead of a line. */
  readonly dots?: number
}

/** A panel: axes and lines. */
export interface Panel {
  readonly title: string
  readonly xLabel: string
  readonly yLabel: string
  readonly xTo: number
  readonly yTo: number
  readonly lines: readonly Line[]
  readonly height?: number
  /** Labels of the y axis instead of numbers, one per whole value. */
  readonly rows?: readonly string[]
}

/** Draws panels below each other. */
export function drawChart(panels: readonly Panel[]): string {
  let top = 0
  const parts = panels.map((panel) => {
    const drawn = `<g transform="translate(0 ${top})">${drawPanel(panel)}</g>`
    top += panel.height ?? 300
    return drawn
  })
  const { width } = size
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" font-family="Helvetica, Arial, sans-serif" font-size="12">`,
    `<rect width="${width}" height="${top}" fill="#fff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function drawPanel(panel: Panel): string {
  const { title, xLabel, yLabel, xTo, yTo, lines, height = 300, rows } = panel
  const left = rows ? 180 : size.left
  const right = rows ? 30 : size.right
  const bottom = height - size.bottom
  const x = (value: number): number => left + (value / xTo) * (size.width - left - right)
  const y = (value: number): number => bottom - (value / yTo) * (bottom - size.top)
  const out = [
    `<text x="${left}" y="24" font-size="15" font-weight="bold" fill="${ink}">${escape(title)}</text>`,
  ]

  for (const value of ticks(xTo)) {
    out.push(line(x(value), size.top, x(value), bottom, grid))
    out.push(text(x(value), bottom + 16, String(value), 'middle'))
  }
  out.push(text((x(0) + x(xTo)) / 2, bottom + 36, xLabel, 'middle'))
  if (rows) {
    rows.forEach((name, index) => out.push(text(left - 10, y(rows.length - index - 0.5) + 4, name, 'end')))
  } else {
    for (const value of ticks(yTo)) {
      out.push(line(left, y(value), x(xTo), y(value), grid))
      out.push(text(left - 8, y(value) + 4, String(value), 'end'))
    }
    const middle = round((y(0) + y(yTo)) / 2)
    out.push(
      `<text transform="translate(16 ${middle}) rotate(-90)" text-anchor="middle" fill="${ink}">${escape(yLabel)}</text>`,
    )
  }
  out.push(line(left, bottom, x(xTo), bottom, ink), line(left, size.top, left, bottom, ink))

  lines.forEach(({ name, points, dots }, index) => {
    const colour = colours[index % colours.length] ?? ink
    const inside = points.filter(([px, py]) => px <= xTo && py <= yTo)
    if (dots === undefined) {
      const path = inside.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(' ')
      out.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    } else {
      for (const [px, py] of inside) {
        out.push(
          `<circle cx="${round(x(px))}" cy="${round(y(py))}" r="${dots}" fill="${colour}" fill-opacity="0.75"/>`,
        )
      }
    }
    if (rows) return
    const labelY = size.top + 10 + index * 20
    out.push(`<rect x="${x(xTo) + 14}" y="${labelY - 5}" width="14" height="4" fill="${colour}"/>`)
    out.push(text(x(xTo) + 34, labelY + 2, name, 'start'))
  })
  return out.join('\n')
}

/** Returns round tick values from 0, five to ten of them. */
function ticks(to: number): number[] {
  const rough = to / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10)
  return Array.from({ length: Math.floor(to / step + 1e-9) + 1 }, (_, index) => round(index * step, 6))
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${ink}">${escape(content)}</text>`
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
