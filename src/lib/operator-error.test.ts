import { expect, it } from 'vitest'
import { OperatorError } from './operator-error.ts'

it('OperatorError has the exit code of the table and its cause', () => {
  const cause = new Error('inner')
  const error = new OperatorError('CONFIG_INVALID', 'Could not start', { cause })
  expect(error).toMatchObject({ name: 'OperatorError', code: 'CONFIG_INVALID', exitCode: 2, cause })
})
