import { expect, it } from 'vitest'
import { OperatorError } from './operator-error.ts'

it('takes its exit code from the table and keeps its cause', () => {
  const cause = new Error('inner')
  const error = new OperatorError('CONFIG_INVALID', 'Could not start', { cause })
  expect(error).toMatchObject({ name: 'OperatorError', code: 'CONFIG_INVALID', exitCode: 2, cause })
})
