/** An instruction of a Dockerfile with its continuation lines joined. */
export interface Instruction {
  /** In upper case: `COPY`. */
  readonly name: string
  /** Text after the name, including flags. */
  readonly text: string
  /** By name without dashes: `--from=build` is `from`. */
  readonly flags: ReadonlyMap<string, string>
  /** Text after the flags. */
  readonly rest: string
  /** First line, starting at 1. */
  readonly line: number
}

/** A stage of a Dockerfile. */
export interface Stage {
  readonly name: string | undefined
  readonly base: string
  readonly instructions: readonly Instruction[]
}

/** A parsed Dockerfile. */
export interface Dockerfile {
  /** Instructions before the first FROM. */
  readonly head: readonly Instruction[]
  readonly stages: readonly Stage[]
}

/** Parses a Dockerfile without here-documents and parser directives. */
export function parseDockerfile(source: string): Dockerfile {
  const head: Instruction[] = []
  const stages: { name: string | undefined; base: string; instructions: Instruction[] }[] = []
  for (const instruction of readInstructions(source)) {
    if (instruction.name === 'FROM') {
      const [base = '', , name] = instruction.rest.split(/\s+/)
      stages.push({ base, name, instructions: [] })
    } else (stages.at(-1)?.instructions ?? head).push(instruction)
  }
  return { head, stages }
}

/** Returns the values of all `NAME key=value ...` instructions of a stage, such as ENV. */
export function keyValues(stage: Stage, name: 'ENV' | 'LABEL'): ReadonlyMap<string, string> {
  const texts = stage.instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
  const pairs = texts.join(' ').matchAll(/([\w.-]+)=("[^"]*"|\S*)/g)
  return new Map([...pairs].map(([, key = '', value = '']) => [key, value.replace(/^"|"$/g, '')]))
}

/** Returns the command of an instruction in exec form, or undefined for the shell form. */
export function execForm(text: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.map(String) : undefined
  } catch {
    return undefined
  }
}

/** Checks a Dockerfile against the rules of this repository. Returns one sentence per problem, with its line. */
export function lintDockerfile({ head, stages }: Dockerfile): string[] {
  const all = stages.flatMap(({ instructions }) => instructions)
  const last = stages.at(-1)
  if (!last) return ['The Dockerfile has no FROM. Start a stage with FROM.']
  const find = (name: string): Instruction | undefined =>
    last.instructions.findLast((instruction) => instruction.name === name)
  const names = last.instructions.map(({ name }) => name)
  const own = new Set(stages.map(({ name }) => name))
  const args = new Map(
    head
      .filter(({ name }) => name === 'ARG')
      .map(({ rest }): [string, string] => {
        const [name = '', value = ''] = rest.split('=', 2)
        return [name, value]
      }),
  )
  const problems: string[] = []
  for (const { base } of stages) {
    if (own.has(base)) continue
    const arg = /^\$\{(\w+)\}$/.exec(base)?.[1]
    const image = args.get(arg ?? '')
    if (image === undefined)
      problems.push(`FROM ${base}: the base must be an ARG with a default, so that mirrors can replace it.`)
    else if (!/:\d[\w.-]*$/.test(image))
      problems.push(`ARG ${arg}=${image}: the tag must be a version, not latest.`)
  }
  for (const { name, rest, line, flags } of all) {
    const at = `Line ${line}`
    if (name === 'ADD') problems.push(`${at}: use COPY instead of ADD. COPY makes no network calls.`)
    if (['CMD', 'ENTRYPOINT'].includes(name) && !execForm(rest))
      problems.push(`${at}: ${name} must be in exec form, so that the process receives signals.`)
    if (name === 'RUN' && /\b(curl|wget|sudo|apt-get|apk)\b/.test(rest))
      problems.push(`${at}: only the dependencies in package-lock.json may be downloaded.`)
    if (name === 'WORKDIR' && !rest.startsWith('/')) problems.push(`${at}: WORKDIR must be absolute.`)
    if (['ARG', 'ENV'].includes(name) && /key|token|password|secret/i.test(rest))
      problems.push(`${at}: secrets in ARG and ENV remain in the image. Use RUN --mount=type=secret.`)
    const isOwnStage = !flags.has('from') || own.has(flags.get('from'))
    if (name === 'COPY' && !isOwnStage) problems.push(`${at}: COPY must use a stage, not an image.`)
  }
  const user = find('USER')
  if (!user) problems.push('The last stage has no USER.')
  else if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user.rest))
    problems.push(`Line ${user.line}: USER must be a number other than 0, so that runAsNonRoot can check it.`)
  const afterUser = names.slice(names.lastIndexOf('USER') + 1)
  for (const name of afterUser.filter((after) => ['COPY', 'RUN'].includes(after)))
    problems.push(`${name} must come before USER, so that the program cannot change the files.`)
  for (const { line, flags } of last.instructions.filter(({ name }) => name === 'COPY'))
    if (flags.has('chown')) problems.push(`Line ${line}: copied files must belong to root.`)
  const health = find('HEALTHCHECK')
  if (!health || !execForm(health.rest.replace(/^CMD\s+/, '')))
    problems.push('The last stage needs a HEALTHCHECK in exec form.')
  const command = execForm(find('ENTRYPOINT')?.rest ?? find('CMD')?.rest ?? '')
  if (command?.[0] !== 'node') problems.push('Process 1 must be node. npm does not forward signals.')
  return problems
}

function readInstructions(source: string): Instruction[] {
  const instructions: Instruction[] = []
  let text = ''
  let start = 0
  for (const [index, line] of source.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue
    if (text === '') start = index + 1
    text += line.replace(/\\\s*$/, ' ')
    if (/\\\s*$/.test(line)) continue
    instructions.push(readInstruction(text.trim(), start))
    text = ''
  }
  return instructions
}

function readInstruction(whole: string, line: number): Instruction {
  const [, name = '', text = ''] = /^(\w+)\s*(.*)$/s.exec(whole) ?? []
  const flags = new Map<string, string>()
  let rest = text
  for (let flag; (flag = /^--([\w-]+)(?:=(\S+))?\s+/.exec(rest)); rest = rest.slice(flag[0].length))
    flags.set(flag[1] ?? '', flag[2] ?? '')
  return { name: name.toUpperCase(), text, flags, rest: rest.trim(), line }
}
