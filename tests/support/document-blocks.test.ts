import { describe, expect, it } from 'vitest'
import {
  findAnchors,
  findBlocks,
  findFileLinks,
  findHeadingLinks,
  isAsDocumented,
  programsOf,
} from './document-blocks.ts'

const fence = '```'

describe('findBlocks', () => {
  it('finds marked blocks with their lines, and passes over blocks that are only read', () => {
    const markdown = [`# A`, `${fence}bash run`, 'ls', fence, `${fence}mermaid`, 'graph', fence].join('\n')
    expect(findBlocks(markdown)).toEqual([{ language: 'bash', use: 'run', tools: [], text: 'ls\n', line: 2 }])
  })

  it('finds which programs a block needs that a test machine does not have', () => {
    const [block] = findBlocks(`${fence}bash needs docker,az\ndocker ps\n${fence}`)
    expect(block).toMatchObject({ use: 'needs', tools: ['docker', 'az'] })
  })

  it.each(['bash', 'sh', 'console', 'python', 'js'])('refuses %s that no test would try', (language) => {
    expect(() => findBlocks(`${fence}${language}\nls\n${fence}`)).toThrow(
      `The ${language} block in line 1 is not tried.`,
    )
  })

  it.each(['make run', 'A=1 B=2 aoai-sim', '$ docker ps', 'x\n  curl http://a'])(
    'refuses the command in %j that does not say that it is one',
    (text) => {
      expect(() => findBlocks(`${fence}\n${text}\n${fence}`)).toThrow('The unnamed block in line 1')
      expect(() => findBlocks(`${fence}text\n${text}\n${fence}`)).toThrow('The text block in line 1')
    },
  )

  it.each(['npx tsx bench/run.ts', 'make test\nnpm test'])(
    'refuses a dry run of %j, which is not planned',
    (text) => {
      expect(() => findBlocks(`${fence}bash dry-run\n${text}\n${fence}`)).toThrow(
        'plans more than make commands',
      )
    },
  )

  it('passes over text that is no command', () => {
    expect(findBlocks(`${fence}text\ntokens = prompt + makeshift\n${fence}`)).toEqual([])
  })
})

describe('programsOf', () => {
  const programs = (info: string, text: string) =>
    programsOf(findBlocks(`${fence}bash ${info}\n${text}\n${fence}`))

  it.each([
    ['curl http://a', ['curl']],
    ['A=1 curl -s http://a | python3 -m json.tool', ['curl', 'python3']],
    ['x=$(curl http://a) && openssl version', ['curl', 'openssl']],
    ['for n in 1 2; do curl http://a; done', ['curl']],
    ['echo curl; cat curl.txt', []],
  ])('finds the programs that %j calls', (text, expected) => {
    expect(programs('run', text)).toEqual(expected)
  })

  it('leaves out what has a stand-in and what is only planned, and knows that a deployment is tried by curl', () => {
    expect(programs('needs curl,grep', 'curl http://a | grep b')).toEqual([])
    expect(programs('dry-run', 'make test')).toEqual([])
    expect(programs('needs az', 'make deploy-aca')).toEqual(['curl'])
  })
})

describe('isAsDocumented', () => {
  it.each([
    ['a\nb\n', 'a\nb'],
    ['a long text', 'a…text'],
    ['API key c69cb2d0bdad9de7f22c6d1fe42eda27', 'API key 0123456789abcdef0123456789abcdef'],
    ['at http://127.0.0.1:40123/metrics', 'at http://127.0.0.1:8000/metrics'],
    ['"created":1795233031', '"created":1700000000'],
  ])('accepts %j for %j', (printed, documented) => {
    expect(isAsDocumented(printed, documented)).toBe(true)
  })

  it.each([
    ['a\nb\nc', 'a\nb'],
    ['a.c', 'abc'],
    ['status 401', 'status 200'],
  ])('refuses %j for %j', (printed, documented) => {
    expect(isAsDocumented(printed, documented)).toBe(false)
  })
})

describe('findFileLinks', () => {
  it('finds links to files, not to pages or into code', () => {
    const markdown = `[a](docs/a.md#part) [b](https://b.c) [c](#d)\n${fence}js\nx[0](y)\n${fence}\n`
    expect(findFileLinks(markdown)).toEqual(['docs/a.md'])
  })
})

describe('findHeadingLinks', () => {
  it('finds links to headings of the document and of other documents, outside of blocks', () => {
    const markdown = `[a](docs/a.md#part) [b](https://b.c#d) [c](#e)\n${fence}js\nx[0](y#z)\n${fence}\n`
    expect(findHeadingLinks(markdown)).toEqual([
      { target: 'docs/a.md', anchor: 'part' },
      { target: '', anchor: 'e' },
    ])
  })
})

describe('findAnchors', () => {
  it('spells headings as GitHub does, without punctuation and formatting', () => {
    const markdown = `# A b\n## 2. \`x_y\`, and [more](z.md)\n${fence}bash\n# not a heading\n${fence}\n`
    expect(findAnchors(markdown)).toEqual(['a-b', '2-x_y-and-more'])
  })
})
