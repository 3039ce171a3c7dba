/** `adjutant config`: what the daemon would go by, option by option, and who said so. */
import { Console, Effect, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { AdjutantOptions } from "../config/AdjutantOptions.ts"
import { type DaemonConfigValues, defaultConfigFile, idleText, load, shownText } from "../config/DaemonConfig.ts"
import { KojidOptions } from "../config/KojidOptions.ts"
import { factsOf } from "../config/Option.ts"
import { describeProvenance } from "../config/OptionSources.ts"
import { paint } from "../inspect/Columns.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import { readProxies, shownProxies } from "../koji/Proxies.ts"
import { CommandFailed } from "./CommandFailed.ts"
import { jsonFlag, screen } from "./Screen.ts"

interface Shown {
  readonly section: "kojid" | "adjutant"
  readonly option: string
  /** As it would stand in the file; null for what is not set, and for secrets. */
  readonly value: string | null
  readonly secret: boolean
  /** Null for a default. */
  readonly from: string | null
  readonly meaning: string
}

export const configCommand = (environment: Readonly<Record<string, string | undefined>>) =>
  Command.make(
    "config",
    {
      config: Flag.String("config").pipe(
        Flag.withAlias("c"),
        Flag.withDescription("Configuration: a file, or a directory of *.conf files"),
        Flag.withMetavar("FILE"),
        Flag.withDefault(defaultConfigFile)
      ),
      all: Flag.Boolean("all").pipe(
        Flag.withAlias("a"),
        Flag.withDescription("Also what nobody has set, and what each option means"),
        Flag.withDefault(false),
        Flag.withoutNegation
      ),
      json: jsonFlag
    },
    Effect.fn("configCommand")(function* ({ config: file, all, json }) {
      const { colours } = yield* screen
      const values = yield* load({ file, environment, commandLine: {} }).pipe(
        Effect.mapError(({ message, exitCode }) => new CommandFailed({ message, exitCode }))
      )
      const shown = shownOptions(values)
      const { warnings } = values
      const proxies = shownProxies(readProxies(environment))
      if (json) {
        return yield* Console.log(harmlessJson({ options: shown, proxies, warnings, idle: values.idle }, 2))
      }
      yield* Console.log(configText(all ? shown : shown.filter(({ from }) => from !== null), all, colours))
      // No option, so that none of these lines could stand in the file.
      if (proxies.length > 0) yield* Console.log(paint(colours)("quiet", "\n# The environment has proxies:"))
      for (const { variable, text } of proxies) yield* Console.log(`# ${variable} = ${harmless(text)}`)
      for (const warning of [...warnings, ...idleText(values.idle)])
        yield* Console.error(`adjutant: ${harmless(warning)}`)
    })
  ).pipe(
    Command.withDescription(
      "Check the configuration, and show what is set and where. Everything that is wrong is told at once.\n" +
        "  Passwords are not shown."
    ),
    Command.withShortDescription("Check the configuration, and show what is set and where")
  )

const shownOptions = (values: DaemonConfigValues): ReadonlyArray<Shown> => [
  ...shownTable("kojid", KojidOptions, values.kojid, values),
  ...shownTable("adjutant", AdjutantOptions, values.adjutant, values)
]

const shownTable = (
  section: Shown["section"],
  table: { readonly fields: Readonly<Record<string, Schema.Codec<unknown, unknown>>> },
  decoded: Readonly<Record<string, unknown>>,
  { provenance }: DaemonConfigValues
): ReadonlyArray<Shown> =>
  Object.entries(table.fields).map(([option, member]) => {
    const facts = factsOf(member)
    const value = decoded[option] ?? null
    const secret = facts?.secret ?? false
    const text = value === null || secret ? null : Schema.encodeUnknownResult(member)(value)
    const origin = provenance.get(option)
    return {
      section,
      option,
      value: text === null || Result.isFailure(text) ? null : shownText(String(text.success)),
      secret: secret && value !== null,
      from: origin === undefined ? null : describeProvenance(origin),
      meaning: facts?.meaning ?? ""
    }
  })

/** Lines that could stand in the file, each under a remark that says where it comes from. */
const configText = (options: ReadonlyArray<Shown>, meanings: boolean, colours: boolean): string => {
  const tinted = paint(colours)
  const lines: Array<string> = []
  let section = ""
  for (const option of options) {
    if (option.section !== section) {
      section = option.section
      lines.push(...(lines.length === 0 ? [] : [""]), tinted("strong", `[${section}]`))
    }
    if (meanings) lines.push(tinted("quiet", `# ${option.meaning}`))
    lines.push(tinted("quiet", `# ${harmless(option.from ?? "default")}`))
    if (option.secret) lines.push(`# ${option.option} is set and not shown`)
    else
      lines.push(
        option.value === null ? `# ${option.option} is not set` : `${option.option} = ${harmless(option.value)}`
      )
  }
  return lines.length === 0 ? "# Nothing is set." : lines.join("\n")
}
