/**
 * White space as Python's `str` sees it, since Koji splits and strips its lists with `str.split()` and `str.strip()`.
 *
 * JavaScript's own differs: it counts U+FEFF and does not count U+001C to U+001F and U+0085.
 */
const space = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
const separators = new RegExp(`[${space}]+`, "u")
const leading = new RegExp(`^[${space}]+`, "u")
const trailing = new RegExp(`(?<![${space}])[${space}]+$`, "u")
const blank = new RegExp(`^[${space}]+$`, "u")

/** The words of a text: `str.split()` without arguments. */
export const splitWords = (text: string): ReadonlyArray<string> => text.split(separators).filter((word) => word !== "")

/** `str.lstrip()`. */
export const stripStart = (text: string): string => text.replace(leading, "")

/** `str.rstrip()`. */
export const stripEnd = (text: string): string => text.replace(trailing, "")

/** `str.strip()`. */
export const strip = (text: string): string => stripStart(stripEnd(text))

/** Whether the text is white space and nothing else, at least one character of it: `str.isspace()`. */
export const isSpace = (text: string): boolean => blank.test(text)
