import { describe, expect, it } from 'vitest'
import { completionFilterJson, filterAnnotationJson, promptFilterJson } from './content-filters.ts'
import { promptFiltered } from './errors.ts'
import { errorBody } from '../../tests/support/error-body.ts'

const safe = { filtered: false, severity: 'safe' }
const undetected = { detected: false, filtered: false }

describe('content filter annotations', () => {
  it('report a severity for the detected category and "safe" for all others', () => {
    expect(JSON.parse(completionFilterJson('hate'))).toEqual({
      hate: { filtered: true, severity: 'high' },
      protected_material_code: undetected,
      protected_material_text: undetected,
      self_harm: safe,
      sexual: safe,
      violence: safe,
    })
    expect(completionFilterJson('sexual', 'medium')).toContain(
      '"sexual":{"filtered":true,"severity":"medium"}',
    )
  })

  it('have prompt_index as the first key, like the service', () => {
    expect(promptFilterJson(3, 'jailbreak')).toBe(
      '{"prompt_index":3,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},"jailbreak":{"detected":true,"filtered":true},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}}',
    )
  })

  it('for a range of a stream have no delta, id and time', () => {
    const offsets = { checkOffset: 44, startOffset: 44, endOffset: 198 }
    expect(JSON.parse(filterAnnotationJson(0, offsets))).toMatchObject({
      choices: [
        {
          content_filter_offsets: { check_offset: 44, start_offset: 44, end_offset: 198 },
          finish_reason: null,
        },
      ],
      created: 0,
      id: '',
      model: '',
      object: '',
    })
    expect(filterAnnotationJson(1, offsets, 'violence')).toContain(
      '"violence":{"filtered":true,"severity":"medium"}},"finish_reason":"content_filter","index":1}',
    )
  })
})

describe('promptFiltered', () => {
  it('for a jailbreak has the captured length of 665 bytes', () => {
    const error = promptFiltered('jailbreak')
    expect(Buffer.byteLength(errorBody(error))).toBe(665)
    expect(error).toMatchObject({ status: 400, layer: 'filter' })
    expect(errorBody(error)).toContain('"jailbreak":{"filtered":true,"detected":true}')
  })

  it.each(['hate', 'self_harm', 'sexual', 'violence'] as const)('reports %s as the reason', (category) => {
    const { error } = JSON.parse(errorBody(promptFiltered(category))) as {
      error: { innererror: { content_filter_result: Record<string, unknown> } }
    }
    expect(error).toMatchObject({ code: 'content_filter', status: 400, type: null, param: 'prompt' })
    const results = error.innererror.content_filter_result
    expect(results).toMatchObject({ jailbreak: { filtered: false, detected: false } })
    expect(results[category]).toEqual({ filtered: true, severity: 'high' })
  })
})
