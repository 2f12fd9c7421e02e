// Finds words that make a text hard to read, and test titles without a subject: `node scripts/check-prose.mjs
// [path...]`.
// A word belongs in this list if a plainer word has the same meaning.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Patterns with suggestions. */
const words = [
  ['anew', 'again'],
  ['lest', 'so that ... not'],
  ['in (?:the|its|their) midst', 'during'],
  ['by custom', 'by default'],
  ['nobody|no one', 'no client, no process, nothing'],
  ['somebody', 'a client, a user'],
  ['everybody', 'everyone, all clients'],
  ['whose', 'with, of which; or two sentences'],
  ['hears? (?:of|that|from|when)', 'is called when'],
  ['tells? (?:of|apart)', 'reports, distinguishes'],
  ['told', 'reported, notified, said'],
  ['of (?:its|their|his) own', 'its own X, separate'],
  ['each (?:its|their|his) own', 'a separate X for each'],
  ['gives? back', 'returns'],
  ['given back', 'returned'],
  ['that there (?:is|are) (?:not|no|none)', 'unknown, missing'],
  ['in (?:the )?place of', 'instead of'],
  ['as it (?:stands|stood)', 'unchanged'],
  ['at once', 'immediately; at the same time'],
  ['mends?|mended', 'fixes'],
  ['cures?|cured', 'fix'],
  ['turn of the (?:event )?loop', 'event-loop iteration'],
  ['(?:by|left to) chance', 'at random'],
  ['upon', 'on'],
  ['lets? in', 'admits'],
  ['side by side', 'concurrently, in parallel, next to each other'],
  ['in turn', 'one after another'],
  ['calls nobody', 'makes no outbound network calls'],
  ['a root that is read only', 'read-only root filesystem'],
  ['collector of garbage', 'garbage collector'],
  ['(?:there )?is none', 'is not one; does not exist'],
  ['stands? (?:in|at|on|for|beside|behind|before|under|by|twice|alone|there)', 'is'],
  ['stood', 'was'],
  ['it carries|they carry|carries', 'handles, contains, includes'],
  ['strikes?|struck', 'injects, applies to'],
  ['goes? out', 'is sent'],
  ['comes? (?:in pieces|back|first|last|of|out)', 'is streamed, is returned, precedes, follows'],
  ['keeps? (?:its|their) word', 'is accurate'],
  ['knows? (?:nothing|no)', 'does not support'],
  ['takes? what', 'accepts'],
  ['what (?:is|are) (?:gone|broken|missing|left)', 'removed, invalid, missing, remaining entries'],
  ['makes? up|made up', 'generates, generated'],
  ['wants? to know', 'needs'],
  ['as long as it lives', 'while it runs'],
  ['handed (?:in|on|to|over|out)|hands? (?:in|on|over|out)', 'passes, passed'],
  ['begins? again', 'restarts'],
]
const hard = new RegExp(`\\b(?:${words.map(([pattern]) => pattern).join('|')})\\b`, 'giu')

/** A title that starts with a verb outside of a `describe` does not name its subject. */
const title = /^(?:test|it)(?:\.\w+)*\(\s*(['"`])(.+?)\1/gmu
const noSubject =
  /^(?:(?:is|are|has|have|does|do|was|can|may|must|will)\b|[a-z]+s (?:a|an|the|what|in|of|to|for|no|not|it|only|each|every|all|as|from|with|without|by|on|at|its|their|one|two|nothing|none|both|other|any|where|when|whether|how|that|those)\b)/u

const texts = [
  '*.md',
  '*.ts',
  '*.mjs',
  '*.yaml',
  '*.yml',
  '*.sh',
  '*.bicep',
  '*.tf',
  'Makefile',
  'sample.env',
  '.ci/run',
]
const checked = /\.(?:md|ts|mjs|ya?ml|sh|bicep|tf|env)$|^Makefile$|^\.ci\/run$/u
/** Data, captured answers, and this list. */
const data = /^(?:recordings\/|tests\/(?:golden|scenarios|data|fixtures)\/|scripts\/check-prose\.mjs)/u

function suggestion(found) {
  return words.find(([pattern]) => new RegExp(`^(?:${pattern})$`, 'iu').test(found))?.[1] ?? ''
}

function problemsIn(path) {
  const text = readFileSync(path, 'utf8')
  const lineAt = (index) => text.slice(0, index).split('\n').length
  const found = []
  for (const match of text.matchAll(hard))
    found.push([lineAt(match.index), `"${match[0]}": write "${suggestion(match[0])}"`])
  if (path.endsWith('.test.ts')) {
    for (const match of text.matchAll(title)) {
      if (noSubject.test(match[2]))
        found.push([lineAt(match.index), `the title "${match[2]}" has no subject`])
    }
  }
  return found.toSorted(([a], [b]) => a - b).map(([line, problem]) => `${path}:${line}: ${problem}`)
}

const paths = process.argv.slice(2)
const files = execFileSync('git', ['ls-files', '--', ...(paths.length > 0 ? paths : texts)], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => checked.test(path) && !data.test(path))
const problems = files.flatMap((path) => problemsIn(path))
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.error(
    `Found ${problems.length} places that are hard to read. The rules are in CONTRIBUTING.md, "Language".`,
  )
  process.exitCode = 1
}
