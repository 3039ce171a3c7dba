/**
 * Configuration files as Python's `RawConfigParser` reads them (daemon.md 7.1), because `kojid.conf` is one and every
 * INI library differs from it somewhere: what a comment is, what continues a value, what is an error.
 *
 * `=` or `:` ends a name; names are lower-cased; a line that begins with `#` or `;` is a comment and nothing else is;
 * a line indented deeper than the option's first continues its value, also after empty lines; a section or an option
 * that comes twice in a file is an error; `%` means nothing. Options of `[DEFAULT]` stand in every section.
 */
import { Result, Schema } from "effect"
import { isSpace, splitWords, strip, stripEnd } from "./PythonSpace.ts"

/** Why a file is no configuration, and where. */
export class ConfigSyntaxError extends Schema.TaggedError<ConfigSyntaxError>()("ConfigSyntaxError", {
  reason: Schema.Literals(["no-section", "duplicate-section", "duplicate-option", "not-an-option"]),
  file: Schema.String,
  /** Counted from 1. */
  line: Schema.Int,
  message: Schema.String
}) {}

/** An option's value and where it was set. */
export interface ConfigOption {
  readonly value: string
  readonly file: string
  readonly line: number
}

/** Options by section and name, in order of first mention; `DEFAULT` is one of the sections when it is there. */
export type ConfigSections = ReadonlyMap<string, ReadonlyMap<string, ConfigOption>>

export const defaultSection = "DEFAULT"

/** The options of a section with those of `DEFAULT` beneath; undefined when there is no such section. */
export const optionsIn = (sections: ConfigSections, name: string): ReadonlyMap<string, ConfigOption> | undefined => {
  const own = sections.get(name)
  return own === undefined ? undefined : new Map([...(sections.get(defaultSection) ?? []), ...own])
}

/** A value that is still being read: its lines are joined at the end of the file. */
interface OpenOption {
  readonly lines: Array<string>
  readonly line: number
}

/** Reads one file over what earlier ones have said; later values win. Errors are about this file alone. */
export const parseConfig = (
  text: string,
  file: string,
  earlier: ConfigSections = new Map()
): Result.Result<ConfigSections, ConfigSyntaxError> => {
  const fail = (reason: ConfigSyntaxError["reason"], line: number, problem: string) =>
    Result.fail(new ConfigSyntaxError({ reason, file, line, message: `${file}, line ${line}: ${problem}` }))
  const read = new Map<string, Map<string, OpenOption>>()
  let section: Map<string, OpenOption> | undefined
  let sectionName = ""
  let option: OpenOption | undefined
  let indent = 0
  let bogus: { readonly line: number; readonly text: string } | undefined
  for (const [at, line] of linesOf(text).entries()) {
    const number = at + 1
    const value = strip(line)
    if (value.startsWith("#") || value.startsWith(";")) continue
    if (value === "") {
      option?.lines.push("")
      continue
    }
    const ownIndent = indentOf(line)
    if (option !== undefined && ownIndent > indent) {
      option.lines.push(value)
      continue
    }
    indent = ownIndent
    const header = /^\[(.+)\]/su.exec(value)?.[1]
    if (header !== undefined) {
      if (read.has(header) && header !== defaultSection) {
        return fail("duplicate-section", number, `section [${header}] comes twice`)
      }
      section = read.get(header) ?? new Map()
      sectionName = header
      read.set(header, section)
      option = undefined
      continue
    }
    if (section === undefined) return fail("no-section", number, `no section header before ${shownLine(value) ?? "it"}`)
    const delimiter = value.search(/[=:]/)
    const name = delimiter === -1 ? "" : stripEnd(value.slice(0, delimiter)).toLowerCase()
    // Python goes on after a line that is no option, so that a duplicate further down is what it complains about.
    if (name === "") bogus ??= { line: number, text: value }
    if (delimiter === -1) continue
    if (section.has(name))
      return fail("duplicate-option", number, `option ${shownName(name)} comes twice in [${sectionName}]`)
    const opened = { lines: [strip(value.slice(delimiter + 1))], line: number }
    section.set(name, opened)
    option = name === "" ? undefined : opened
  }
  if (bogus !== undefined) {
    const shown = shownLine(bogus.text)
    const what = "neither an option nor a section"
    return fail("not-an-option", bogus.line, shown === undefined ? what : `${what}: ${shown} (is its = missing?)`)
  }
  return Result.succeed(mergeInto(earlier, read, file))
}

/**
 * A name for messages. None has a blank inside: what follows one may be a password, of a line that lacks its `=`.
 */
export const shownName = (name: string): string => {
  const [word = ""] = splitWords(name)
  return word === name ? name : `${word} …`
}

/** A line for messages: at most what would be its name. A word that stands alone may be the rest of a secret. */
const shownLine = (value: string): string | undefined => {
  const [word = ""] = splitWords(value.split(/[=:]/, 1)[0] ?? "")
  return word === "" || word === value ? undefined : JSON.stringify(`${word} …`)
}

const mergeInto = (
  earlier: ConfigSections,
  read: ReadonlyMap<string, ReadonlyMap<string, OpenOption>>,
  file: string
): ConfigSections => {
  const sections = new Map(earlier)
  for (const [name, options] of read) {
    const merged = new Map(sections.get(name))
    for (const [option, { lines, line }] of options)
      merged.set(option, { value: stripEnd(lines.join("\n")), file, line })
    sections.set(name, merged)
  }
  return sections
}

/** Lines as a text file has them in Python, whose line ends may be any of three. */
const linesOf = (text: string): ReadonlyArray<string> => text.replaceAll(/\r\n?/g, "\n").split("\n")

/** How many characters come before the first that is no white space. */
const indentOf = (line: string): number => {
  let at = 0
  while (at < line.length && isSpace(line[at] ?? "")) at += 1
  return at
}
