/** Tokens whose ranks count up by one. Vocabularies are lists of them. */
export interface RankRun {
  /** The rank of the first token, which is also its number. */
  readonly first: number
  /** The bytes of each token, in base64. */
  readonly tokens: readonly string[]
}

/** Reads the ranks of a js-tiktoken file. Each line is `! <rank of the first token> <token> <token> ...`. */
export function parseBundledRanks(text: string): RankRun[] {
  return text.split('\n').map((line) => {
    const [, first, ...tokens] = line.split(' ')
    return { first: Number(first), tokens }
  })
}

/** Reads a `.tiktoken` file, as `renderTokenFile` writes it. It has to be one: nothing is checked. */
export function parseTokenFile(text: string): RankRun[] {
  const runs: { first: number; tokens: string[] }[] = []
  for (const line of text.split('\n')) {
    const [token = '', rank = ''] = line.split(' ')
    if (rank === '') continue
    const run = runs.at(-1)
    if (run && Number(rank) === run.first + run.tokens.length) run.tokens.push(token)
    else runs.push({ first: Number(rank), tokens: [token] })
  }
  return runs
}

/** Writes a `.tiktoken` file: a line for each token in the order of ranks, `<token in base64> <rank>`. */
export function renderTokenFile(runs: readonly RankRun[]): string {
  return runs
    .map(({ first, tokens }) => tokens.map((token, index) => `${token} ${first + index}\n`).join(''))
    .join('')
}
