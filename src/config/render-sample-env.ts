import { settingGroups } from './setting.ts'
import { type Setting, settingsTable } from './settings-table.ts'

/**
 * The text of sample.env. Each variable is commented out, so that a copy follows the defaults of later versions and
 * no value meets a reader that treats quotes or spaces in its own way (Docker, make, a shell).
 */
export function renderSampleEnv(): string {
  const intro = [
    '# Copy this file to .env, and take the first # away where you want another value.',
    '# docs/config.md explains the settings. Flags and the environment win over this file.',
    '# Made by scripts/generate-docs.ts: do not edit.',
  ].join('\n')
  return `${[intro, ...settingGroups.map(renderGroup)].join('\n\n')}\n`
}

function renderGroup(group: string): string {
  const settings = settingsTable().filter((setting) => setting.group === group)
  return [`# --- ${group} ---`, ...settings.map(renderSetting)].join('\n\n')
}

function renderSetting(setting: Setting): string {
  const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`
  const unset = setting.whenUnset === undefined ? '' : ` Unset: ${setting.whenUnset}.`
  return [
    `# ${setting.description}`,
    `# Must be ${setting.range}.${unit}${unset}`,
    `#${setting.env}=${setting.default ?? ''}`,
  ].join('\n')
}
