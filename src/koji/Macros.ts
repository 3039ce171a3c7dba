/**
 * rpm's macros and the environment in a buildroot (tasks.md 2.5, 2A), by precedence: defaults that a tag may override,
 * the tag's own, and those that place the build on this host and that nobody overrides.
 */
import { compareCodePoints } from "./PythonJson.ts"

/** Names with their `%`. */
export type Macros = Readonly<Record<string, string>>

/** Where mock lets rpmbuild work; also the build user's home is here. */
export const buildHome = "/builddir"

export interface MacroChoices {
  readonly targetArch: string
  readonly mockHost: string
  readonly packager: string
  readonly vendor: string
  readonly distribution: string
  /** The tag's (`TagExtras.macros`). */
  readonly tagMacros: Macros
}

/** The macros of a buildroot, as its mock configuration lists them. */
export const buildrootMacros = (choices: MacroChoices): Macros => ({
  "%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
  "%vendor": choices.vendor,
  "%packager": choices.packager,
  "%distribution": choices.distribution,
  ...choices.tagMacros,
  "%_topdir": `${buildHome}/build`,
  "%_host_cpu": choices.targetArch,
  "%_host": `${choices.targetArch}-${choices.mockHost}`
})

/**
 * `/builddir/.rpmmacros`: what the configuration lists and what mock adds unless it is listed. `buildHost` is this
 * host's full name: what a package's BUILDHOST says. Under emulation, builds are given ten times the time.
 */
export const renderRpmMacros = (macros: Macros, buildHost: string, forcearch: boolean): string => {
  const all = { "%_platform_multiplier": forcearch ? "10" : "1", "%_buildhost": buildHost, ...macros }
  return Object.entries(all)
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, value]) => `${name} ${value}\n`)
    .join("")
}

/** The environment of every command in a buildroot; nothing of the daemon's own. The tag's may replace any of it. */
export const buildEnvironment = (
  tagEnvironment: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => ({
  TERM: "vt100",
  SHELL: "/bin/bash",
  HOME: buildHome,
  HOSTNAME: "mock",
  PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
  PROMPT_COMMAND: 'printf "\\033]0;<mock-chroot>\\007"',
  PS1: "<mock-chroot> \\s-\\v\\$ ",
  LANG: "C.UTF-8",
  ...tagEnvironment
})
