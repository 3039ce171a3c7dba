/**
 * The daemon's configuration: read once at start, decoded, and after that a value.
 *
 * Everything that is wrong is told at once and by place. What is only doubtful is a warning. Secrets are `Redacted`;
 * where each value came from is kept, for `adjutant config` and for the person who wonders.
 */
import { Context, Effect, Layer, Result, Schema } from "effect"
import { splitWords } from "../koji/PythonSpace.ts"
import { uselessEntries } from "../koji/ScmAccess.ts"
import { AdjutantOptions } from "./AdjutantOptions.ts"
import { type ConfigProblem, configError } from "./ConfigError.ts"
import { isFile, readConfigFiles } from "./ConfigFiles.ts"
import { KojidOptions, kojidAliases } from "./KojidOptions.ts"
import { factsOf, type OptionKind } from "./Option.ts"
import {
  describeProvenance,
  gather,
  type OptionTable,
  type Provenance,
  type Said,
  unknownNames
} from "./OptionSources.ts"
import { shownTexts } from "./ShownText.ts"

/** kojid's default path; the only one at which nothing needs to be. */
export const defaultConfigFile = "/etc/kojid/kojid.conf"

export interface ConfigInputs {
  /** A file, or a directory of `*.conf` files. */
  readonly file: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** By option name; several values of one flag joined by blanks. */
  readonly commandLine: Readonly<Record<string, string | undefined>>
}

export interface DaemonConfigValues {
  /** Options of `[kojid]` by kojid's names. */
  readonly kojid: KojidOptions
  /** Options of `[adjutant]` by their names. */
  readonly adjutant: AdjutantOptions
  /** The words of `topurl`. */
  readonly topUrls: readonly [string, ...ReadonlyArray<string>]
  /** What is set and without effect here. */
  readonly idle: ReadonlyArray<string>
  /** Where each option's value comes from, by option name. */
  readonly provenance: ReadonlyMap<string, Provenance>
  readonly warnings: ReadonlyArray<string>
}

const optionKinds = (table: { readonly fields: Readonly<Record<string, Schema.Constraint>> }) => {
  const kinds = new Map<string, OptionKind>()
  for (const [name, member] of Object.entries(table.fields)) {
    const kind = factsOf(member)
    if (kind !== undefined) kinds.set(name, kind)
  }
  return kinds
}

/** Limits that kojid sets for itself and its tasks inherit (daemon.md 7.2); those of containers are in [adjutant]. */
const isProcessLimit = (option: string): boolean => option.toUpperCase().startsWith("RLIMIT_")

/** Both sections, for help texts as much as for reading. No option is in both. */
export const kojidTable: OptionTable = {
  section: "kojid",
  options: optionKinds(KojidOptions),
  aliases: kojidAliases,
  isOther: isProcessLimit
}
export const adjutantTable: OptionTable = {
  section: "adjutant",
  options: optionKinds(AdjutantOptions),
  aliases: new Map(),
  isOther: () => false
}

/** An option's text as it may be shown. */
export const shownText = shownTexts(new Map([...kojidTable.options, ...adjutantTable.options]))

/** Reads, checks and decodes the configuration. */
export const load = Effect.fn("DaemonConfig.load")(function* (inputs: ConfigInputs) {
  const read = yield* readConfigFiles(inputs.file)
  const absent: ReadonlyArray<ConfigProblem> =
    read === undefined ? [{ place: inputs.file, option: null, message: "there is no such file, nor directory" }] : []
  // The command line and the environment may say it all, so that nobody needs the default one.
  if (absent.length > 0 && inputs.file !== defaultConfigFile) return yield* configError(absent)
  const sources = { ...inputs, sections: read ?? new Map() }
  const unknown = unknownNames([kojidTable, adjutantTable], sources)
  const { said: kojidSaid, others } = gather(kojidTable, sources)
  const { said: adjutantSaid } = gather(adjutantTable, sources)
  const kojidText = new Map(kojidSaid)
  for (const [option, path] of defaultFiles) {
    if (kojidSaid.get(option)?.text == null && (yield* isFile(path))) {
      kojidText.set(option, { text: path, provenance: { _tag: "Default" } })
    }
  }
  const wrong = [...unknown, ...misread(KojidOptions, kojidText), ...misread(AdjutantOptions, adjutantSaid)]
  if (wrong.length > 0) return yield* configError(wrong)
  const missing = [...kojidTable.options]
    .filter(([name, { required }]) => required && splitWords(kojidText.get(name)?.text ?? "").length === 0)
    .map(([name]): ConfigProblem => ({ place: null, option: name, message: `the ${name} option is required` }))
  if (missing.length > 0) return yield* configError([...absent, ...missing], 2)
  const kojid = yield* decodeKojid(textsOf(kojidText)).pipe(Effect.orDie)
  const adjutant = yield* decodeAdjutant(textsOf(adjutantSaid)).pipe(Effect.orDie)
  const problems = contradictions(kojid, adjutant)
  if (problems.length > 0) return yield* configError(problems)
  const idle = [...kojidText].filter(
    ([name, { provenance }]) => provenance._tag !== "Default" && kojidTable.options.get(name)?.idle
  )
  const [topUrl = kojid.topurl, ...mirrors] = splitWords(kojid.topurl)
  const values: DaemonConfigValues = {
    kojid,
    adjutant,
    topUrls: [topUrl, ...mirrors],
    idle: [...idle.map(([name]) => name), ...[...others.keys()].map((name) => name.toUpperCase())],
    provenance: new Map([...kojidText, ...adjutantSaid].map(([name, { provenance }]) => [name, provenance])),
    warnings: doubts(kojid)
  }
  return values
})

/** Read where they are when nobody says anything else. */
const defaultFiles: ReadonlyArray<readonly [option: string, path: string]> = [
  ["cert", "/etc/kojid/client.crt"],
  ["serverca", "/etc/kojid/serverca.crt"]
]

const decodeKojid = Schema.decodeUnknownEffect(KojidOptions)
const decodeAdjutant = Schema.decodeUnknownEffect(AdjutantOptions)

const textsOf = (said: ReadonlyMap<string, Said>): Readonly<Record<string, string | null>> =>
  Object.fromEntries([...said].map(([name, { text }]) => [name, text]))

/**
 * Options whose text is not of their kind. Its first line is shown, unless it is a secret: the further ones may be
 * options of their own that were indented by mistake.
 */
const misread = (
  table: { readonly fields: Readonly<Record<string, Schema.Codec<unknown, unknown>>> },
  said: ReadonlyMap<string, Said>
): ReadonlyArray<ConfigProblem> => {
  const problems: Array<ConfigProblem> = []
  for (const [name, member] of Object.entries(table.fields)) {
    const text = said.get(name)
    const kind = factsOf(member)
    if (text === undefined || kind === undefined || text.text === null) continue
    if (Result.isSuccess(Schema.decodeUnknownResult(member)(text.text))) continue
    const [line = "", ...more] = text.text.split("\n")
    const below = more.length === 0 ? "" : " with the indented lines below it"
    const shown = kind.secret ? "" : `, not ${JSON.stringify(shownText(line.slice(0, 200)))}${below}`
    problems.push({
      place: describeProvenance(text.provenance),
      option: name,
      message: `value for ${name} option must be ${kind.kind}${shown}`
    })
  }
  return problems
}

/** What cannot be meant, whatever each option alone says (daemon.md 10, row 1). */
const contradictions = (kojid: KojidOptions, adjutant: AdjutantOptions): ReadonlyArray<ConfigProblem> =>
  kojid.allowed_scms_use_config || kojid.allowed_scms_use_policy || adjutant.allow_any_scm
    ? []
    : [
        {
          place: null,
          option: "allowed_scms_use_config",
          message:
            "with allowed_scms_use_config and allowed_scms_use_policy both off, anything could be built from anywhere; " +
            "say allow_any_scm = yes in [adjutant] if that is what you want"
        }
      ]

const doubts = (kojid: KojidOptions): ReadonlyArray<string> => [
  ...uselessEntries(shownText(kojid.allowed_scms)).map(
    (entry) => `allowed_scms: ${entry} has no colon and means nothing`
  ),
  ...(kojid.no_ssl_verify ? ["no_ssl_verify: the hub's certificate is not verified"] : [])
]

/** One line of what is set and does nothing, for whoever wonders why; none when that is nothing. */
export const idleText = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [`set, and without effect here: ${names.join(", ")}`]

/** The configuration, for those who need all of it; most rooms are given plain values. */
export class DaemonConfig extends Context.Service<DaemonConfig, DaemonConfigValues>()("adjutant/config/DaemonConfig") {
  static readonly layer = (inputs: ConfigInputs) => Layer.effect(DaemonConfig, load(inputs))
}
