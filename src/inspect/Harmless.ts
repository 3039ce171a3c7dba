/**
 * Text from a build, made fit for a terminal.
 *
 * A build writes what it likes: into its output, into package names, into the messages of its failures. Printed as it
 * is, an escape sequence moves the cursor, changes the title, answers questions on the reader's behalf; a direction
 * mark shows one name for another. So whatever is not plainly visible is spelled out, as `\x1b` or `\u202e`, and
 * nothing is dropped except the colours that compilers use.
 */

/** Not plainly visible: control and format characters, line and paragraph separators, lone surrogates. */
const treacherous = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const spelled = (character: string): string => {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return named[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`)
}

/** The text as one line: line breaks and tabs are spelled out like everything else. */
export const harmless = (text: string): string => text.replace(treacherous, spelled)

/** Colours, and erasing to the end of the line: what gcc and its like wrap their words in, whole sequences only. */
const colour = /\x1b\[[0-9;:]{0,40}[mK]/g
const tabStop = 8

/**
 * The text as lines. Colours are left out, tabs are filled up, and of a line that was written over itself (a progress
 * bar) the last state is kept, as a terminal would show it.
 */
export const harmlessLines = (text: string): ReadonlyArray<string> =>
  text
    .replace(/(?:\r?\n)+$/, "")
    .split(/\r?\n/)
    .map((line) => {
      const overwritten = line
        .replace(colour, "")
        .split("\r")
        .filter((state) => state !== "")
      return harmless(filled(overwritten.at(-1) ?? ""))
    })

const filled = (line: string): string =>
  line.includes("\t")
    ? line.split("\t").reduce((left, right) => left.padEnd((Math.floor(left.length / tabStop) + 1) * tabStop) + right)
    : line

/** JSON text of a value in which nothing can be taken for a terminal's command either. */
export const harmlessJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(treacherous, (character) =>
    // A bare line break is the layout's; those of strings are spelled out already.
    character === "\n" ? character : character.split("").map(unit).join("")
  )

const unit = (half: string): string => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`
