// Prints the totals of a coverage run and the files with the lowest coverage: `node scripts/show-coverage.mjs [summary] [count]`.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [path = 'coverage/coverage-summary.json', count = '15'] = process.argv.slice(2)
const { total, ...files } = JSON.parse(readFileSync(path, 'utf8'))

/** 97.25 % of 1200 statements */
const share = ({ pct, total: all }, unit) => `${pct} % of ${all} ${unit}`
console.log(
  `Coverage: ${['statements', 'branches', 'functions', 'lines'].map((unit) => share(total[unit], unit)).join(', ')}.`,
)

const lowest = Object.entries(files)
  .filter(([, { statements }]) => statements.total > 0)
  .toSorted(([, one], [, other]) => one.statements.pct - other.statements.pct)
  .slice(0, Number(count))
console.log(
  `\nLowest ${lowest.length} files:\n\n${'statements'.padStart(10)}  ${'branches'.padStart(8)}  file`,
)
for (const [file, { statements, branches }] of lowest) {
  const columns = [`${statements.pct} %`.padStart(10), `${branches.pct} %`.padStart(8)]
  console.log([...columns, relative('.', file)].join('  '))
}
