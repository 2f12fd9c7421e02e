import { setting } from './setting.ts'
import { text } from './value-kind.ts'

/** Settings of the service that record mode forwards to. */
export const upstreamSettings = {
  endpoint: setting(text(/^https?:\/\/[^\s/?#]+[^\s?#]*$/, 'an http or https address without a query'), {
    env: 'AZURE_OPENAI_ENDPOINT',
    group: 'Recordings',
    whenUnset: 'none; record mode needs it',
    description: 'The service that is recorded: https://my-resource.openai.azure.com.',
  }),
  key: setting(text(/^[\x21-\x7e]+$/, 'visible ASCII characters without spaces, as a header carries them'), {
    env: 'AZURE_OPENAI_KEY',
    group: 'Recordings',
    whenUnset: 'none; record mode needs it',
    secret: true,
    description: "Key of that service, sent in place of the caller's.",
  }),
}
