/** The surroundings of commands: in the tools image, in a root, and for 32-bit targets. */
import { is32Bit } from "../koji/Arch.ts"
import { buildEnvironment } from "../koji/Macros.ts"

export const toolsEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/root", TERM: "vt100" }

/** Of what installs packages, and so of their scriptlets: as in the root, the tag's variables included, as for mock. */
export const installEnvironment = (
  tagEnvironment: Readonly<Record<string, string>>
): Readonly<Record<string, string>> => ({
  ...buildEnvironment(tagEnvironment),
  HOME: "/root",
  LC_MESSAGES: "C.UTF-8"
})

/** 32-bit targets run under the personality that makes `uname -m` say so. */
export const personality = (arch: string, command: ReadonlyArray<string>): ReadonlyArray<string> =>
  is32Bit(arch) ? ["linux32", ...command] : command
