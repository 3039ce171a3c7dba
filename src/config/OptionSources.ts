/**
 * Who said what: the text of every option and where it comes from, before anything is made of it.
 *
 * The command line counts more than the environment, the environment more than the files, the files more than the
 * defaults. An option that nobody knows is a mistake wherever it stands, and most often a known one mistyped.
 */
import { type ConfigOption, type ConfigSections, defaultSection, optionsIn, shownName } from "../koji/ConfigParser.ts"
import type { ConfigProblem } from "./ConfigError.ts"
import { nearest } from "./Nearest.ts"
import type { OptionKind } from "./Option.ts"

/** Where a value comes from. */
export type Provenance =
  | { readonly _tag: "Default" }
  | { readonly _tag: "File"; readonly file: string; readonly line: number }
  | { readonly _tag: "Environment"; readonly variable: string }
  | { readonly _tag: "CommandLine"; readonly flag: string }

/** For a person: `/etc/kojid/kojid.conf, line 3`; null for a default. */
export const describeProvenance = (provenance: Provenance): string | null => {
  switch (provenance._tag) {
    case "Default":
      return null
    case "File":
      return `${provenance.file}, line ${provenance.line}`
    case "Environment":
      return provenance.variable
    case "CommandLine":
      return provenance.flag
  }
}

/** An option's text, null when there is not even a default. */
export interface Said {
  readonly text: string | null
  readonly provenance: Provenance
}

/** A section of the file, and the options it may hold. */
export interface OptionTable {
  readonly section: string
  readonly options: ReadonlyMap<string, OptionKind>
  readonly aliases: ReadonlyMap<string, string>
  /** Names that are not listed one by one. */
  readonly isOther: (name: string) => boolean
}

export interface Sources {
  readonly sections: ConfigSections
  readonly environment: Readonly<Record<string, string | undefined>>
  /** By option name. */
  readonly commandLine: Readonly<Record<string, string | undefined>>
}

export const variablePrefix = "KOJI_ADJUTANT_"
/** Variables that are no options: which file to read. */
export const otherVariables = ["KOJI_ADJUTANT_CONFIG"]

/** The variable that sets an option. */
export const variableOf = (option: string): string => variablePrefix + option.toUpperCase()

/** What was said of every option of a table, and of the names that are not listed. */
export const gather = (
  table: OptionTable,
  sources: Sources
): { readonly said: ReadonlyMap<string, Said>; readonly others: ReadonlyMap<string, ConfigOption> } => {
  const said = new Map<string, Said>()
  const others = new Map<string, ConfigOption>()
  for (const [name, kind] of table.options) said.set(name, { text: kind.default, provenance: { _tag: "Default" } })
  for (const [name, option] of optionsIn(sources.sections, table.section) ?? []) {
    const listed = table.aliases.get(name) ?? name
    const { value: text, file, line } = option
    if (table.options.has(listed)) said.set(listed, { text, provenance: { _tag: "File", file, line } })
    else if (table.isOther(name)) others.set(name, option)
  }
  for (const name of table.options.keys()) {
    const variable = variableOf(name)
    const inEnvironment = sources.environment[variable]
    if (inEnvironment !== undefined)
      said.set(name, { text: inEnvironment, provenance: { _tag: "Environment", variable } })
    const onCommandLine = sources.commandLine[name]
    const flag = `--${table.options.get(name)?.flag ?? name.replaceAll("_", "-")}`
    if (onCommandLine !== undefined) said.set(name, { text: onCommandLine, provenance: { _tag: "CommandLine", flag } })
  }
  return { said, others }
}

/** Sections, options, variables and flags that nobody knows. */
export const unknownNames = (tables: ReadonlyArray<OptionTable>, sources: Sources): ReadonlyArray<ConfigProblem> => {
  const problems: Array<ConfigProblem> = []
  for (const [section, options] of sources.sections) {
    const table = tables.find((known) => known.section === section)
    if (table === undefined && section !== defaultSection) {
      const [first] = options.values()
      const known = tables.map((each) => each.section)
      problems.push({
        place: first === undefined ? null : `${first.file}, above line ${first.line}`,
        option: null,
        message: `invalid section found in config file: ${section}${meant(section, known)}`
      })
      continue
    }
    // Options of DEFAULT stand in every section; it is enough that one of them knows an option.
    const candidates = table === undefined ? tables : [table]
    for (const [name, option] of options) {
      if (candidates.some((candidate) => knows(candidate, name))) continue
      const shown = shownName(name)
      const elsewhere = tables.find((other) => knows(other, name))
      const known = candidates.flatMap((candidate) => [...candidate.options.keys()])
      const hint =
        elsewhere !== undefined
          ? ` (it belongs into [${elsewhere.section}])`
          : shown === name
            ? meant(name, known)
            : " (no name has a blank: is its = missing?)"
      problems.push({
        place: `${option.file}, line ${option.line}`,
        option: shown,
        message: `unknown config option: ${shown}${hint}`
      })
    }
  }
  const names = tables.flatMap((table) => [...table.options.keys()])
  const variables = [...otherVariables, ...names.map(variableOf)]
  for (const variable of Object.keys(sources.environment)) {
    if (!variable.startsWith(variablePrefix) || variables.includes(variable)) continue
    problems.push({ place: variable, option: null, message: `unknown variable${meant(variable, variables)}` })
  }
  for (const name of Object.keys(sources.commandLine)) {
    if (!names.includes(name)) problems.push({ place: `--${name}`, option: name, message: "unknown option" })
  }
  return problems
}

const knows = (table: OptionTable, name: string): boolean =>
  table.options.has(table.aliases.get(name) ?? name) || table.isOther(name)

const meant = (name: string, known: ReadonlyArray<string>): string => {
  const other = nearest(name, known)
  return other === undefined ? "" : ` (did you mean ${other}?)`
}
