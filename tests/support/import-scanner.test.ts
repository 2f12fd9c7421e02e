import { describe, expect, test } from 'vitest'
import { hasDefaultExport, reExportsOnly, scanSource } from './import-scanner.ts'

const specifiers = (source: string) => scanSource(source).imports.map(({ specifier }) => specifier)

describe('scanSource', () => {
  test.each([
    ['named', "import { a, b as c } from './a.ts'"],
    ['over several lines', "import {\n  a,\n  b,\n} from './a.ts'"],
    ['namespace', "import * as a from './a.ts'"],
    ['default and named', "import a, { type B } from './a.ts'"],
    ['for its effect', "import './a.ts'"],
    ['in double quotes', 'import { a } from "./a.ts"'],
    ['re-exported name', "export { a } from './a.ts'"],
    ['re-exported whole', "export * as a from './a.ts'"],
    ['dynamic', "const a = await import('./a.ts')"],
    ['type query', "type A = import('./a.ts').A"],
    ['after a comment that names it', "// see\nimport /* why */ { a } from './a.ts'"],
  ])('finds an import: %s', (_form, source) => {
    expect(specifiers(source)).toEqual(['./a.ts'])
  })

  test('gives strings, templates and regular expressions, and no comment', () => {
    const source = "// '/a/'\nconst a = '/b/' + `${'/c/'}` // `/d/`\nif (/\\/e\\//.test(a)) run()"
    expect(scanSource(source).literals).toEqual(["'/b/'", "`${'/c/'}`", String.raw`/\/e\//`])
  })

  test('tells type imports from others', () => {
    const { imports } = scanSource(
      "import type { A } from './a.ts'\nexport type { B } from './b.ts'\nimport './c.ts'",
    )
    expect(imports.map(({ typeOnly }) => typeOnly)).toEqual([true, true, false])
  })

  test.each([
    ['a comment', "// import { a } from './a.ts'"],
    ['a block comment', "/* import './a.ts' */"],
    ['a string', `const text = "import { a } from './a.ts'"`],
    ['a template', "const text = `import './a.ts'`"],
    ['a local export', "export const a = 'a'\nexport { a }\nconst from = './b.ts'"],
  ])('takes no import from %s', (_where, source) => {
    expect(specifiers(source)).toEqual([])
  })

  test.each([
    ['const quote = /[\'"]/g'],
    ['const slash = text.replace(/[/`]/, "")'],
    ['const half = whole / 2 / parts // it\'s "odd'],
    ["const apostrophe = 'it\\'s'"],
    ['const rest = text.match(/^\\/\\*/)'],
  ])('goes on rightly after %s', (line) => {
    expect(specifiers(`${line}\nimport { a } from './a.ts'`)).toEqual(['./a.ts'])
  })
})

describe('reExportsOnly', () => {
  test('accepts re-exports and comments', () => {
    const source =
      "// Entry.\nexport { a } from './a.ts'\nexport type { B } from './b.ts'\nexport * from './c.ts'\n"
    expect(reExportsOnly(scanSource(source))).toBe(true)
  })

  test.each(['export const a = 1', "import { a } from './a.ts'\nexport { a }", "import './a.ts'"])(
    'refuses %s',
    (source) => {
      expect(reExportsOnly(scanSource(source))).toBe(false)
    },
  )
})

describe('hasDefaultExport', () => {
  test.each(['export default 1', 'const a = 1\nexport { a as default }'])('finds %s', (source) => {
    expect(hasDefaultExport(scanSource(source))).toBe(true)
  })

  test('does not mind the word elsewhere', () => {
    expect(hasDefaultExport(scanSource("// export default\nexport const a = 'export default'"))).toBe(false)
  })
})
