import { arrayOf, textOrArray } from '../validation/collections.ts'
import type { Check } from '../validation/fault.ts'
import { objectOf, optional, required, variantsOf, type Field } from '../validation/object-of.ts'
import { anything, contentText, oneOf, text } from '../validation/scalars.ts'

// Members that a part does not have pass: clients leave `cache_control` of other services on them, and the
// service has been seen to take it. Inside `file` it has been seen to refuse.
const part = (...fields: readonly Field[]): Check => objectOf(fields, 'ignore')

const imageUrl = objectOf(
  [required('url', text()), optional('detail', oneOf('auto', 'low', 'high', 'original'))],
  'ignore',
)

const parts = arrayOf(
  variantsOf(
    'type',
    new Map([
      ['text', part(required('text', contentText))],
      ['image_url', part(required('image_url', imageUrl))],
      [
        'input_audio',
        part(
          required(
            'input_audio',
            objectOf([required('data', text()), required('format', oneOf('wav', 'mp3'))]),
          ),
        ),
      ],
      ['refusal', part(required('refusal', contentText))],
      ['audio', part(required('audio', anything))],
      [
        'file',
        part(
          required(
            'file',
            objectOf([
              optional('file_id', text()),
              optional('file_data', text()),
              optional('filename', text()),
            ]),
          ),
        ),
      ],
    ]),
  ),
  { expected: 'an array of objects' },
)

/** A message's `content`: a text (the empty one too) or parts. */
export const content = textOrArray('one of a string or array of objects', contentText, parts)
