// Returns every request to /echo and the paths below it, without credentials.
// EXTENSION_PATH=examples/extensions/echo.ts aoai-sim
import { defineExtension, type Generator, jsonReply } from 'aoai-simulated-api/extension'

const credentials = /key|token|authorization|cookie|secret|signature/

const echo: Generator = ({ method, path, query, headers, body }) => {
  if (path !== '/echo' && !path.startsWith('/echo/')) return undefined
  const shown = Object.entries(headers).filter(([name]) => !credentials.test(name))
  return jsonReply({ method, path, query, headers: Object.fromEntries(shown), body: body.toString() })
}

export default defineExtension({ name: 'echo', generators: [echo] })
