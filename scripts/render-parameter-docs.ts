import { format } from 'oxfmt'
import { operationEffects } from './parameter-effects.ts'

const intro = `# Request parameters

See what the simulator does with each parameter of a request. \`tests/integration/parameter-effects.test.ts\` sends each one and compares the
answer with that of the same request without it.

- **done**: the answer or its usage differs.
- **refused**: the request gets an error, for the model in the heading. Other models can accept the parameter.
- **no effect**: neither here nor on the service is there a difference in the answer.
`

/** Renders docs/parameters.md. */
export async function renderParameterDocs(): Promise<string> {
  const sections = operationEffects.map(({ name, model, effects }) => {
    const rows = Object.entries(effects).map(
      ([parameter, effect]) => `| \`${parameter}\` | ${cellsOf(effect)} |`,
    )
    return [
      `## ${name} (${model})`,
      '',
      '| Parameter | Effect | Description |',
      '| --- | --- | --- |',
      ...rows,
    ].join('\n')
  })
  const written = `${intro}\n${sections.join('\n\n')}\n`
  return (await format('docs/parameters.md', written, { printWidth: 110, singleQuote: true })).code
}

function cellsOf({ refused, reason }: (typeof operationEffects)[number]['effects'][string]): string {
  if (refused !== undefined) return `refused | ${refused.includes(' ') ? `\`${refused}\`` : ''}`
  return reason === undefined ? 'done | ' : `no effect | ${reason}`
}
