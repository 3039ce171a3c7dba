/**
 * What a person may see of an option's text. An option that is no secret may hold one all the same: in a URL, or
 * because the line of a password is indented and so belongs to the option above it.
 */
import { withoutPasswords } from "../koji/ScmUrl.ts"
import type { OptionKind } from "./Option.ts"

/** The options' texts as they are shown. */
export const shownTexts = (options: ReadonlyMap<string, OptionKind>) => {
  const secrets = [...options].flatMap(([name, { secret }]) => (secret ? [name] : []))
  const astray = new RegExp(`(?<=\\n)(\\s*(?:${secrets.join("|")})(?:\\s*[=:]|(?=\\s)))\\s*\\S.*$`, "gimu")
  return (text: string): string => withoutPasswords(text.replaceAll(astray, "$1 [hidden]"))
}
