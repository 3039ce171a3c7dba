/** Text in a width: cutting, wrapping, and colours for those who asked for them. */

/** What a terminal is taken to have when it does not say, and what no layout goes below. */
export const widthDefault = 80
export const widthMin = 60

/** The text in at most `width` columns; what is cut off at the end shows as `...`. */
export const cut = (text: string, width: number): string => {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 3)).join("")}...`
}

/** The text in lines of at most `width` columns, broken at spaces where there are any. */
export const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let rest = [...text]
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width)
    // A line of a few characters, broken off before a long word, is harder to read than the word broken in two.
    const at = space > width / 3 ? space : width
    lines.push(rest.slice(0, at).join(""))
    rest = rest.slice(rest[at] === " " ? at + 1 : at)
  }
  return [...lines, rest.join("")]
}

export type Paint = (tone: Tone, text: string) => string
export type Tone = "plain" | "strong" | "quiet" | "good" | "bad" | "warn"

const codes: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  strong: "1",
  quiet: "2",
  good: "32",
  bad: "1;31",
  warn: "33"
}

/** Colours by meaning; none unless asked for, since a log that is piped or mailed wants none. */
export const paint =
  (colours: boolean): Paint =>
  (tone, text) =>
    colours && tone !== "plain" && text.trim() !== "" ? `\x1b[${codes[tone]}m${text}\x1b[0m` : text
