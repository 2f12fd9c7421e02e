import type { Random } from '../../../lib/random.ts'
import { isReference, type ResponsesItem } from '../../../wire/responses/responses-item.ts'
import type { ResponsesTool } from '../../../wire/responses/responses-request.ts'
import { hashText } from '../../text-features.ts'
import { paint } from '../../images/paint.ts'
import { callId, type DrawCall, hexText, hostedItem, includes, plainCall } from './hosted-call.ts'

/** A program for the interpreter, with its output. */
interface Program {
  readonly code: string
  readonly logs: string
}

const programs: readonly ((numbers: readonly number[]) => Program)[] = [
  (numbers) => ({
    code: `values = [${numbers.join(', ')}]\n\nprint("Sum:", sum(values))`,
    logs: `Sum: ${numbers.reduce((sum, value) => sum + value, 0)}\n`,
  }),
  (numbers) => ({
    code: `values = [${numbers.join(', ')}]\n\nfor value in sorted(values):\n    print(value)`,
    logs: `${numbers.toSorted((a, b) => a - b).join('\n')}\n`,
  }),
  (numbers) => ({
    code: `values = [${numbers.join(', ')}]\n\nprint(f"Minimum: {min(values)}, maximum: {max(values)}")`,
    logs: `Minimum: ${Math.min(...numbers)}, maximum: ${Math.max(...numbers)}\n`,
  }),
]

const chartWords = /\b(chart|diagram|graph|histogram|image|picture|plot)s?\b/i
const CHART_SIDE = 512

/** `code_interpreter`: a short Python program and its output. A question about a chart also has an image. */
export const drawCodeInterpreter: DrawCall = (tool, { request, items, encoding, question }, random) => {
  const numbers = Array.from({ length: 3 + random.below(4) }, () => random.below(1_000))
  const program = (programs[random.below(programs.length)] ?? programs[0]) as (typeof programs)[number]
  const { code, logs } = program(numbers)
  const pieces = encoding.pieces(code)
  const containerId = containerOf(tool, items) ?? hexText(random, 36)
  const hasOutputs = includes(request, 'code_interpreter_call.outputs')
  const chart = hasOutputs && chartWords.test(question) ? chartSpec(question) : undefined
  const outputs: object[] = [{ type: 'logs', logs }]
  return {
    ...plainCall,
    pieces,
    resultTokens: encoding.count(logs),
    ...(chart && {
      async paint() {
        const png = await paint(chart)
        outputs.push({ type: 'image', url: `data:image/png;base64,${png.toString('base64')}` })
      },
    }),
    items({ ids, epochSeconds }) {
      const item = {
        id: ids.next('ci', epochSeconds),
        type: 'code_interpreter_call',
        status: 'completed',
        code,
        container_id: containerId.startsWith('cntr_')
          ? containerId
          : containerName(containerId, epochSeconds),
        outputs: hasOutputs ? outputs : null,
      } as const
      return [hostedItem(item, { pieces })]
    },
  }
}

function chartSpec(question: string): Parameters<typeof paint>[0] {
  return {
    text: question.replace(/[^\x20-\x7e]/g, '\x7f'),
    caption: 'code_interpreter',
    width: CHART_SIDE,
    height: CHART_SIDE,
    hash: hashText(question, 0),
    transparent: false,
    finished: 1,
  }
}

/** The container of the request, or that of an earlier call. */
function containerOf(tool: ResponsesTool, items: readonly ResponsesItem[]): string | undefined {
  const { container } = tool as { container?: unknown }
  if (typeof container === 'string') return container
  for (const item of items.toReversed()) {
    if (isReference(item) || item.type !== 'code_interpreter_call') continue
    const { container_id: known } = item as { container_id?: unknown }
    if (typeof known === 'string') return known
  }
  return undefined
}

/** The id of a new container: 48 digits, of which the first eight are the time (capture of Azure, October 2025). */
function containerName(digits: string, epochSeconds: number): string {
  return `cntr_${epochSeconds.toString(16).padStart(8, '0')}${digits.slice(0, 4)}8190${digits.slice(4)}`
}

const commands = ['ls -la', 'pwd', 'uname -a', 'cat README.md', 'git status --short', 'node --version']

/** `shell`: commands for the client, or for a container, where the service also writes their output. */
export const drawShell: DrawCall = (tool, { encoding }, random) => {
  const { environment } = tool as { environment?: { type?: string; container_id?: string } | null }
  const isLocal = environment?.type === undefined || environment.type === 'local'
  const command = commands[random.below(commands.length)] ?? 'ls'
  const call = callId(random)
  const container = environment?.container_id
  const digits = hexText(random, 36)
  return {
    ...plainCall,
    hiddenTokens: encoding.count(command),
    endsAnswer: isLocal,
    items({ ids, epochSeconds }) {
      const place = isLocal
        ? { type: 'local' }
        : { type: 'container_reference', container_id: container ?? containerName(digits, epochSeconds) }
      const written = hostedItem({
        id: ids.next('sh', epochSeconds),
        type: 'shell_call',
        status: 'completed',
        action: { commands: [command], max_output_length: null, timeout_ms: null },
        call_id: call,
        environment: place,
      })
      if (isLocal) return [written]
      const output = { outcome: { type: 'exit', exit_code: 0 }, stderr: '', stdout: `$ ${command}\n` }
      return [
        written,
        hostedItem({
          id: ids.next('sho', epochSeconds),
          type: 'shell_call_output',
          status: 'completed',
          call_id: call,
          max_output_length: null,
          output: [output],
        }),
      ]
    },
  }
}

/** `local_shell`: a command for the client (capture of gpt-5-codex, September 2025). */
export const drawLocalShell: DrawCall = (_, { encoding }, random) => {
  const command = commands[random.below(commands.length)] ?? 'ls'
  const call = callId(random)
  const action = { type: 'exec', command: command.split(' '), env: {}, working_directory: '/root' }
  return {
    ...plainCall,
    hiddenTokens: encoding.count(command),
    endsAnswer: true,
    items({ ids, epochSeconds }) {
      const id = ids.next('lsh', epochSeconds)
      return [hostedItem({ id, type: 'local_shell_call', status: 'completed', action, call_id: call })]
    },
  }
}

/** `apply_patch`: a new file for the client to write (capture of gpt-5.1, November 2025). */
export const drawApplyPatch: DrawCall = (_, { encoding, question }, random) => {
  const call = callId(random)
  const title = question.replace(/\s+/g, ' ').slice(0, 60) || 'Notes'
  const diff = `+# ${title}\n+\n+- [ ] Item ${1 + random.below(99)}\n`
  const path = `notes-${hexText(random, 6)}.md`
  const pieces = encoding.pieces(diff)
  return {
    ...plainCall,
    pieces,
    endsAnswer: true,
    items({ ids, epochSeconds }) {
      const id = ids.next('apc', epochSeconds)
      const operation = { type: 'create_file', diff, path }
      const item = { id, type: 'apply_patch_call', status: 'completed', call_id: call, operation } as const
      return [hostedItem(item, { pieces })]
    },
  }
}

const typedTexts = ['hello world', 'weather', 'example.com']

/** `computer_use_preview` and `computer`: first a screenshot, then one action of the pointer or the keyboard. */
export const drawComputer: DrawCall = (tool, { called }, random) => {
  const { display_width: width = 1024, display_height: height = 768 } = tool as {
    display_width?: number
    display_height?: number
  }
  const hasScreen = called.some((name) => name.startsWith('computer'))
  const action = hasScreen ? drawAction(random, width, height) : { type: 'screenshot' }
  const call = callId(random)
  return {
    ...plainCall,
    hiddenTokens: ACTION_TOKENS,
    endsAnswer: true,
    items({ ids, epochSeconds }) {
      const id = ids.next('cu', epochSeconds)
      const acts = tool.type === 'computer' ? { actions: [action] } : { action }
      const end = { call_id: call, pending_safety_checks: [] }
      return [hostedItem({ id, type: 'computer_call', status: 'completed', ...acts, ...end })]
    },
  }
}

/** Tokens of an action with two numbers. Not captured. */
const ACTION_TOKENS = 20

function drawAction(random: Random, width: number, height: number): object {
  const at = { x: random.below(Math.max(1, width)), y: random.below(Math.max(1, height)) }
  switch (random.below(5)) {
    case 0:
      return { type: 'click', button: 'left', ...at }
    case 1:
      return { type: 'double_click', keys: null, ...at }
    case 2:
      return { type: 'scroll', scroll_x: 0, scroll_y: 100 * (1 + random.below(5)), ...at }
    case 3:
      return { type: 'type', text: typedTexts[random.below(typedTexts.length)] }
    default:
      return { type: 'keypress', keys: ['ENTER'] }
  }
}
