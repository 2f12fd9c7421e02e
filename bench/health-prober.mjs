// Requests /healthz every 20 ms from a separate thread, and reports the longest answer time. Time in which the server
// was ready to run but other programs used the CPU is subtracted.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const everyMs = 20
const request = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'
const { port, pid } = workerData

let longestMs = 0
let sent
let socket = open()

function open() {
  const opened = connect(port, '127.0.0.1')
  opened.on('data', record)
  // If the server has died, the case reports it. A busy server keeps the connection open.
  opened.on('error', () => {})
  opened.on('close', () => setTimeout(() => (socket = open()), everyMs))
  return opened
}

/** Time for which the main thread of the server has waited for a CPU, in milliseconds. */
function queuedMs() {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

function record() {
  if (!sent) return
  const tookMs = performance.now() - sent.atMs
  // Most answers arrive immediately and need no correction.
  if (tookMs > longestMs) longestMs = Math.max(longestMs, tookMs - Math.max(0, queuedMs() - sent.queuedMs))
  sent = undefined
}

setInterval(() => {
  if (sent || !socket.writable || socket.connecting) return
  sent = { atMs: performance.now(), queuedMs: queuedMs() }
  socket.write(request)
}, everyMs)

parentPort.on('message', () => {
  record()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
  parentPort.postMessage(longestMs)
  process.exit()
})
