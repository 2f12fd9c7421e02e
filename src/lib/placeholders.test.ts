import { describe, expect, it } from 'vitest'
import { isPlaceholder } from './placeholders.ts'

const placeholders = `
AUTHORIZATION-XXX|SET-COOKIE-XXX|<masked>|Bearer <masked>|REDACTED|[FILTERED]|**REDACTED**|__REDACTED__|test_set_cookie
Bearer test_openai_api_key|Bearer REDACTED|Bearer DUMMY|fake-key|fake-key-for-integration-suites|not_needed_for_replay|sk-fake-key-1234
Bearer test-key-123|sk-...xxxx|sk-proj-********************abcd|sk-ab...yz|***|••••••••|xxxx-xxxx|sk-xxxxxxxxxxxxxxxxxxxxxxxx
0000-0000|00000000-0000-0000-0000-000000000000|aaaaaaaaaaaaaaaa|sk-1234567890|Sanitized|OPENAI_API_KEY|your-api-key
$OPENAI_API_KEY|\${SOME_VARIABLE}|{{ api_key }}|%API_KEY%|<your key here>|Bearer not-a-real-key|None|"REDACTED"|changeme
session=REDACTED; Path=/; HttpOnly|__cf_bm=XXX; expires=Thu, 01-Jan-26 00:00:00 GMT; Secure|a=***; b=***|Bearer|TestOpenAIKey`

const credentials = `
Bearer sk-proj-test_9aF3kLmQ8xZ2vB7nT5yR1wE6|sk-proj-dummyA8s7D6f5G4h3J2k1L0q9|test_9aF3kLmQ8xZ2vB7nT5yR1wE6
fake-5f4dcc3b5aa765d61d8327deb882cf99|5f4dcc3b5aa765d61d8327deb882cf99|9F86D081884C7D659A2FEAA0C55AD015
c2VjcmV0LXZhbHVlLXRoYXQtaXMtbG9uZw==|Basic dXNlcjpodW50ZXIy|eyJhbGciOiJIUzI1NiJ9.eyJ0ZXN0IjoxfQ.dGVzdHRlc3R0ZXN0
Bearer eyJhbGciOiJIUzI1NiJ9.eyJ0ZXN0IjoxfQ.dGVzdHRlc3R0ZXN0|testAbCdEfGhIjKlMnOpQr|mock_api_key_AbCdEfGhIjKlMnOpQrStUvWx
xxxx9aF3kLmQ8xZ2vB7nT5yR|9aF3kLmQ8xZ2vB7nT5yRxxxx|9aF3kLmQ8xZ2***|<9aF3kLmQ8xZ2vB7nT5yR1wE6>|\${9aF3kLmQ8xZ2vB7nT5yR}
[9aF3kLmQ8xZ2vB7nT5yR]|test-6f1c0a3b-1b2c-4d5e-8f90-444455556666|qwmzkvbxplfhgtrd|test-qwmzkvbxplfh|hunter2|Passw0rd!
correcthorsebatterystaple|123456789012|8f3a9c1e|AKIAIOSFODNN7EXAMPLE|REDACTED9aF3kLmQ8xZ2
session=9aF3kLmQ8xZ2; note=REDACTED|REDACTED=1; sid=9aF3kLmQ8xZ2|a=REDACTED; path=/, sid=9aF3kLmQ8xZ2`

const valuesOf = (list: string): string[] => list.trim().split(/[|\n]/)

describe('placeholders', () => {
  it.each(valuesOf(placeholders))('include %s', (value) => expect(isPlaceholder(value)).toBe(true))

  it.each(valuesOf(credentials))('exclude %s', (value) => expect(isPlaceholder(value)).toBe(false))

  it('are recognized in linear time', () => {
    for (const piece of ['a', '=', '*', 'x-', 'a=b; ', '<'])
      expect(isPlaceholder(piece.repeat(100_000))).toBe(false)
  })
})
