import { claudeTraits } from '../models/claude-traits.ts'
import { isRetired } from '../models/model-catalogue.ts'
import type { Model } from '../models/models.ts'

/** Dates of release (Anthropic, overviews of the models). Models with a version have its date. */
const releases: Readonly<Record<string, string>> = {
  'claude-haiku-5-5': '2026-10-07',
  'claude-opus-5': '2026-07-24',
  'claude-opus-4-8': '2026-05-28',
  'claude-sonnet-4-6': '2026-02-17',
  'claude-opus-4-6': '2026-02-05',
}

/** For an unknown date of release, as in Anthropic's reference. */
const EPOCH = '1970-01-01'

const supported = (isSupported: boolean): { readonly supported: boolean } => ({ supported: isSupported })

/** Writes a model in the list of Anthropic (reference of November 2026). */
export function modelInfoJson(model: Model, nowMs: number): string {
  const { name, version, retires } = model
  const { thinking, efforts } = claudeTraits(model)
  const date = version === undefined ? releases[name] : dateOf(version)
  const lifecycle = isRetired(model, nowMs) ? 'retired' : retires === undefined ? 'active' : 'deprecated'
  const effort = ['low', 'medium', 'high', 'xhigh', 'max'].map((level) => [
    level,
    supported(efforts.includes(level)),
  ])
  return JSON.stringify({
    type: 'model',
    id: model.versionedName,
    display_name: displayName(name),
    created_at: timestamp(date ?? EPOCH),
    max_input_tokens: model.contextTokens,
    max_tokens: model.maxOutputTokens,
    line: lineOf(name),
    lifecycle,
    deprecated_at: null,
    retires_at: retires === undefined ? null : timestamp(retires),
    capabilities: {
      batch: supported(false),
      citations: supported(false),
      code_execution: supported(false),
      context_management: {
        clear_thinking_20251015: supported(false),
        clear_tool_uses_20250919: supported(false),
        compact_20260112: supported(false),
        supported: false,
      },
      effort: { ...Object.fromEntries(effort), supported: efforts.length > 0 },
      image_input: supported(true),
      pdf_input: supported(true),
      server_tools: { code_execution: supported(false), web_search: supported(false), supported: false },
      structured_outputs: supported(true),
      thinking: {
        supported: true,
        types: {
          adaptive: supported(thinking !== 'budget'),
          enabled: supported(thinking === 'budget' || thinking === 'budget-or-adaptive'),
        },
      },
    },
  })
}

function dateOf(version: string): string {
  return version.replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3')
}

function timestamp(date: string): string {
  return `${date}T00:00:00Z`
}

const lines = ['haiku', 'sonnet', 'opus', 'fable', 'mythos']

function lineOf(name: string): string | null {
  return lines.find((line) => name.includes(line)) ?? null
}

/** `claude-opus-4-5` is `Claude Opus 4.5`. */
function displayName(name: string): string {
  return name
    .replace(/-(\d+)-(\d+)$/, ' $1.$2')
    .replaceAll('-', ' ')
    .replace(/(^|\s)[a-z]/g, (letter) => letter.toUpperCase())
}
