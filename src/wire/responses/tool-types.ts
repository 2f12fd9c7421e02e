/** Versions of a tool, which a choice can use for each other. */
const families = [
  ['web_search', 'web_search_preview'],
  ['computer', 'computer_use_preview', 'computer_use'],
]

/** Removes the date of a type: `web_search_preview_2025_03_11`. */
export function baseType(type: string): string {
  return type.replace(/_20\d\d_\d\d_\d\d$/, '')
}

/** Returns the types of the versions of a tool, without dates. */
export function familyOf(type: string): readonly string[] {
  const name = baseType(type)
  return families.find((names) => names.includes(name)) ?? [name]
}

/** What identifies a tool in a choice. */
interface NamedTool {
  readonly type: string
  readonly name?: string
  readonly server_label?: unknown
}

/** Returns a function that tells whether a choice of the request means a tool. */
export function isChosenTool({ type, name, server_label: label }: NamedTool): (tool: NamedTool) => boolean {
  const family = familyOf(type)
  return (tool) => {
    if (!family.includes(baseType(tool.type))) return false
    if (type === 'mcp') return tool.server_label === label
    return (type !== 'function' && type !== 'custom') || tool.name === name
  }
}
