/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  /** In capitals: `COPY`. */
  readonly name: string
  /** What stands behind the name, flags included. */
  readonly text: string
  /** By the name without dashes: `--from=build` is `from`. */
  readonly flags: ReadonlyMap<string, string>
  /** What stands behind the flags. */
  readonly rest: string
  /** Where it starts, from 1. */
  readonly line: number
}

/** A part of a Dockerfile from one FROM to the next. */
export interface Stage {
  readonly name: string | undefined
  readonly base: string
  readonly instructions: readonly Instruction[]
}

/** What a Dockerfile says. */
export interface Dockerfile {
  /** What stands before the first FROM. */
  readonly head: readonly Instruction[]
  readonly stages: readonly Stage[]
}

/** Reads a Dockerfile without here-documents and parser directives, which ours has none of. */
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

/** The values of all instructions `NAME key=value ...` of a stage, such as those of ENV. */
export function keyValues(stage: Stage, name: 'ENV' | 'LABEL'): ReadonlyMap<string, string> {
  const texts = stage.instructions.filter((instruction) => instruction.name === name).map(({ rest }) => rest)
  const pairs = texts.join(' ').matchAll(/([\w.-]+)=("[^"]*"|\S*)/g)
  return new Map([...pairs].map(([, key = '', value = '']) => [key, value.replace(/^"|"$/g, '')]))
}

/** The command of an instruction in exec form; undefined for the shell form. */
export function execForm(text: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed.map(String) : undefined
  } catch {
    return undefined
  }
}

/** What is wrong with a Dockerfile by the rules of this repository; a sentence each, with its line. */
export function lintDockerfile({ head, stages }: Dockerfile): string[] {
  const all = stages.flatMap(({ instructions }) => instructions)
  const last = stages.at(-1)
  if (!last) return ['There is no FROM. Begin a stage by one.']
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
    if (image === undefined) problems.push(`FROM ${base}: a base is an ARG with a default, for mirrors.`)
    else if (!/:\d[\w.-]*$/.test(image))
      problems.push(`ARG ${arg}=${image}: name a version as the tag, not latest.`)
  }
  for (const { name, rest, line, flags } of all) {
    const at = `Line ${line}`
    if (name === 'ADD') problems.push(`${at}: COPY does what ADD is used for, and fetches nothing.`)
    if (['CMD', 'ENTRYPOINT'].includes(name) && !execForm(rest))
      problems.push(`${at}: write ${name} in exec form, so that signals arrive.`)
    if (name === 'RUN' && /\b(curl|wget|sudo|apt-get|apk)\b/.test(rest))
      problems.push(`${at}: nothing is fetched beside the dependencies of package-lock.json.`)
    if (name === 'WORKDIR' && !rest.startsWith('/')) problems.push(`${at}: WORKDIR is absolute.`)
    if (['ARG', 'ENV'].includes(name) && /key|token|password|secret/i.test(rest))
      problems.push(`${at}: secrets stay in the image. Use RUN --mount=type=secret.`)
    const isOwnStage = !flags.has('from') || own.has(flags.get('from'))
    if (name === 'COPY' && !isOwnStage) problems.push(`${at}: COPY from a stage, not from an image.`)
  }
  const user = find('USER')
  if (!user) problems.push('The last stage has no USER.')
  else if (!/^[1-9]\d*(:[1-9]\d*)?$/.test(user.rest))
    problems.push(`Line ${user.line}: USER is a number that is not 0, which runAsNonRoot can check.`)
  const afterUser = names.slice(names.lastIndexOf('USER') + 1)
  for (const name of afterUser.filter((after) => ['COPY', 'RUN'].includes(after)))
    problems.push(`${name} stands behind USER: the program could change what it makes.`)
  for (const { line, flags } of last.instructions.filter(({ name }) => name === 'COPY'))
    if (flags.has('chown')) problems.push(`Line ${line}: what is copied belongs to root.`)
  const health = find('HEALTHCHECK')
  if (!health || !execForm(health.rest.replace(/^CMD\s+/, '')))
    problems.push('The last stage needs a HEALTHCHECK in exec form.')
  const command = execForm(find('ENTRYPOINT')?.rest ?? find('CMD')?.rest ?? '')
  if (command?.[0] !== 'node') problems.push('Process 1 is node, which hands on signals; npm does not.')
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
