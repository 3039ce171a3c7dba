/** The address in what people write for one: `buildsys@example.com`, `Koji Build System <buildsys@example.com>`. */

/**
 * As Python's smtplib takes it apart for the envelope; undefined for what could be no address, or would go on in another
 * line of the dialogue. Some sites have mailboxes without a domain.
 */
export const addressIn = (text: string): string | undefined => {
  if (/\p{Cc}/u.test(text)) return undefined
  const [, inside] = /<([^<>]*)>\s*$/.exec(text) ?? []
  const address = (inside ?? text).trim()
  return address === "" || /[\s<>]/.test(address) ? undefined : address
}
