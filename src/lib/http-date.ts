let lastSecond = -1
let lastText = ''

/** The value of a Date header. Made once a second, since formatting costs more than all other headers together. */
export function httpDate(epochMs: number): string {
  const second = Math.floor(epochMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(epochMs).toUTCString()
  }
  return lastText
}
