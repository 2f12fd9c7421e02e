/** The rule for names of deployments, as a message ends. Azure itself takes at most 64 characters, and fewer kinds of them. */
export const deploymentNameRule =
  'must have 1 to 256 printable characters of ASCII or Latin-1, with no space at either end'

const properName = /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/

/** Whether a deployment can have this name: answers tell it in headers, which take no other characters. */
export function isDeploymentName(name: string): boolean {
  return name.length <= 256 && properName.test(name)
}
