/**
 * What a build tag's `extra` asks of its buildroots (tasks.md 16).
 *
 * Keys are what a tag's editor typed, values any JSON; each is read as kojid reads it, which is often by Python's
 * truth (`"0"` is true) and `str()` (`True`, `1`). They steer the package manager and rpm, never what a container
 * may do: nothing here can name a mount, a device, a capability or a limit.
 */
import { Result } from "effect"
import { genericError, type KojiFault } from "./Fault.ts"
import { PythonFloat, type PythonValue, pythonRepr, pythonStr, pythonTruth } from "./PythonRepr.ts"
import { strip } from "./PythonSpace.ts"

export interface TagExtras {
  /** Null when the tag does not choose one. */
  readonly packageManager: string | null
  readonly newChroot: boolean | null
  readonly useBootstrap: boolean | null
  /** Only to be honoured when the operator allows it (`mock_bootstrap_image`). */
  readonly bootstrapImage: string | null
  readonly bootstrapImageReady: boolean
  /** As it was given, for the mock configuration; undefined when absent. */
  readonly moduleSetupCommands: PythonValue | undefined
  readonly releasever: PythonValue | undefined
  readonly forcearch: boolean
  /** 0 is dnf's own default. */
  readonly yumBest: number
  readonly moduleHotfixes: boolean
  readonly sign: { readonly enable: PythonValue; readonly command: PythonValue; readonly options: PythonValue } | null
  /** Values by name, the name with its `%`. */
  readonly macros: Readonly<Record<string, string>>
  readonly environment: Readonly<Record<string, string>>
  /** Whether an uploaded source package is rebuilt first. */
  readonly rebuildSrpm: boolean
  readonly noarchArches: string | null
  /** Tags, by name or id, whose repositories may lend their metadata. */
  readonly oldrepoHint: ReadonlyArray<string | number>
}

const macroPrefix = "rpm.macro."
const environmentPrefix = "rpm.env."

/** Reads a build config's `extra`. Fails with GenericError where kojid cannot make a configuration of it either. */
export const readTagExtras = (extra: { readonly [key: string]: PythonValue }): Result.Result<TagExtras, KojiFault> =>
  Result.gen(function* () {
    const has = (key: string) => Object.hasOwn(extra, key)
    const get = (key: string): PythonValue | undefined => (has(key) ? extra[key] : undefined)
    const truthy = (key: string): string | null => (pythonTruth(get(key)) ? pythonStr(get(key) ?? null) : null)
    const flag = (key: string): boolean | null => (has(key) ? pythonTruth(get(key)) : null)
    const macros = new Map<string, string>()
    const environment = new Map<string, string>()
    for (const [key, value] of Object.entries(extra)) {
      if (key.startsWith(macroPrefix)) macros.set(`%${key.slice(macroPrefix.length)}`, pythonStr(value))
      else if (key.startsWith(environmentPrefix)) {
        const name = key.slice(environmentPrefix.length)
        environment.set(yield* variableName(name, value), pythonStr(value))
      }
    }
    return {
      packageManager: truthy("mock.package_manager"),
      newChroot: flag("mock.new_chroot"),
      useBootstrap: flag("mock.use_bootstrap"),
      bootstrapImage: truthy("mock.bootstrap_image"),
      bootstrapImageReady: pythonTruth(get("mock.bootstrap_image_ready")),
      moduleSetupCommands: get("mock.module_setup_commands"),
      releasever: get("mock.releasever"),
      forcearch: pythonTruth(get("mock.forcearch")),
      yumBest: has("mock.yum.best") ? yield* integer("mock.yum.best", get("mock.yum.best") ?? null) : 0,
      moduleHotfixes: pythonTruth(get("mock.yum.module_hotfixes")),
      sign: yield* signOptions(get),
      macros: Object.fromEntries(macros),
      environment: Object.fromEntries(environment),
      rebuildSrpm: has("rebuild_srpm") ? pythonTruth(get("rebuild_srpm")) : true,
      noarchArches: truthy("noarch_arches"),
      oldrepoHint: hints(get("repo.oldrepo_hint"))
    }
  })

/** What the kernel cannot take as a variable; Python refuses to start a process with it. */
const variableName = (name: string, value: PythonValue): Result.Result<string, KojiFault> =>
  name === "" || /[=\0]/.test(name) || pythonStr(value).includes("\0")
    ? Result.fail(genericError(`${pythonRepr(environmentPrefix + name)} is no environment variable`))
    : Result.succeed(name)

/** Python's `int()`. */
const integer = (key: string, value: PythonValue): Result.Result<number, KojiFault> => {
  const number =
    typeof value === "boolean" || typeof value === "bigint"
      ? Number(value)
      : typeof value === "number"
        ? Math.trunc(value)
        : value instanceof PythonFloat
          ? Math.trunc(value.value)
          : typeof value === "string" && /^[-+]?[0-9]+$/.test(strip(value))
            ? Number.parseInt(strip(value), 10)
            : Number.NaN
  return Number.isSafeInteger(number)
    ? Result.succeed(number)
    : Result.fail(genericError(`tag extra ${key} is no integer: ${pythonRepr(value)}`))
}

const signOptions = (get: (key: string) => PythonValue | undefined): Result.Result<TagExtras["sign"], KojiFault> => {
  const enable = get("mock.plugin_conf.sign_enable")
  const command = get("mock.plugin_conf.sign_opts.cmd")
  const options = get("mock.plugin_conf.sign_opts.opts")
  if (enable === undefined) return Result.succeed(null)
  return command === undefined || options === undefined
    ? Result.fail(genericError("Tag is not configured properly for mock's sign plugin'"))
    : Result.succeed({ enable, command, options })
}

const hints = (value: PythonValue | undefined): ReadonlyArray<string | number> => {
  const tags: ReadonlyArray<PythonValue> = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return tags.filter((tag) => typeof tag === "string" || typeof tag === "number")
}

/** A module command: what to do (`enable`, `disable`, `reset`, …) with which modules, apart by commas. */
export interface ModuleCommand {
  readonly action: string
  readonly modules: ReadonlyArray<string>
}

/** The module commands to run before the group is installed. Fails with GenericError when they are no such list. */
export const moduleCommands = (extras: TagExtras): Result.Result<ReadonlyArray<ModuleCommand>, KojiFault> => {
  const commands = extras.moduleSetupCommands ?? []
  const wrong = () => Result.fail(genericError(`tag extra mock.module_setup_commands: ${pythonRepr(commands)}`))
  if (!Array.isArray(commands)) return wrong()
  const parsed: Array<ModuleCommand> = []
  for (const command of commands) {
    if (!Array.isArray(command)) return wrong()
    const [action, modules, ...more] = command
    if (typeof action !== "string" || typeof modules !== "string" || more.length > 0) return wrong()
    // A word that begins with a hyphen would be an option to the package manager.
    const words = modules
      .split(",")
      .map(strip)
      .filter((word) => word !== "")
    if ([action, ...words].some((word) => word.startsWith("-"))) return wrong()
    parsed.push({ action, modules: words })
  }
  return Result.succeed(parsed)
}

/** By the name that mock knows one by: that one under its names, then mock's choices when it is not there. */
const managers: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["dnf", ["dnf4", "dnf-3", "dnf", "dnf5", "yum"]],
  ["dnf4", ["dnf4", "dnf-3", "dnf", "dnf5", "yum"]],
  ["dnf5", ["dnf5", "dnf4", "dnf-3", "dnf", "yum"]],
  ["yum", ["yum", "dnf4", "dnf-3", "dnf", "dnf5"]],
  // It has no way to install into another root: mock runs it inside of one, and has dnf make that.
  ["microdnf", ["dnf4", "dnf-3", "dnf", "dnf5", "yum"]]
])

/** The commands that may make a root when this one is asked for. Fails with GenericError for what mock does not know. */
export const managerCommands = (name: string): Result.Result<ReadonlyArray<string>, KojiFault> => {
  const commands = managers.get(name)
  return commands === undefined
    ? Result.fail(
        genericError(
          `tag extra mock.package_manager: ${pythonRepr(name)} is none of ${[...managers.keys()].join(", ")}`
        )
      )
    : Result.succeed(commands)
}
