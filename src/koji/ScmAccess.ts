/**
 * Whether a source may be built from, and how it is fetched: by the operator's list, by the hub's policy, or by both
 * (daemon.md 8.2 to 8.4). What neither mentions is denied.
 */
import { Result } from "effect"
import { buildError, type KojiFault } from "./Fault.ts"
import { fnmatch } from "./FnMatch.ts"
import { splitWords } from "./PythonSpace.ts"
import type { ScmUrl } from "./ScmUrl.ts"

export interface ScmAccess {
  /** Whether the repository `common` is checked out beside the source. */
  readonly useCommon: boolean
  /** The command that fetches further sources, run inside the buildroot; null for none. */
  readonly sourceCommand: ReadonlyArray<string> | null
}

/** Until a list or a policy says otherwise. */
export const defaultAccess: ScmAccess = { useCommon: true, sourceCommand: ["make", "sources"] }

type Place = Pick<ScmUrl, "host" | "repository">

interface Entry {
  readonly denies: boolean
  readonly host: string
  readonly repository: string
  readonly useCommon: string
  /** Undefined when the entry ends before it. */
  readonly sourceCommand: string | undefined
}

const parseEntry = (entry: string): Entry | undefined => {
  const [host, repository, useCommon = "", sourceCommand] = entry.split(":")
  if (host === undefined || repository === undefined) return undefined
  const denies = host.startsWith("!")
  return { denies, host: denies ? host.slice(1) : host, repository, useCommon, sourceCommand }
}

/** The entries of `allowed_scms` that say nothing, for a warning at start. */
export const uselessEntries = (allowedScms: string): ReadonlyArray<string> =>
  splitWords(allowedScms).filter((entry) => parseEntry(entry) === undefined)

/** What the first entry of `allowed_scms` that matches host and repository says. Fails with BuildError (1005). */
export const allowedByConfig = (scm: Place, allowedScms: string): Result.Result<ScmAccess, KojiFault> => {
  for (const text of splitWords(allowedScms)) {
    const entry = parseEntry(text)
    if (entry === undefined || !fnmatch(scm.host, entry.host) || !fnmatch(scm.repository, entry.repository)) continue
    if (entry.denies) break
    return Result.succeed({
      useCommon: !["no", "off", "false", "0"].includes(entry.useCommon.toLowerCase()),
      sourceCommand:
        entry.sourceCommand === undefined
          ? defaultAccess.sourceCommand
          : entry.sourceCommand === ""
            ? null
            : entry.sourceCommand.split(",")
    })
  }
  return Result.fail(buildError(`${scm.host}:${scm.repository} is not in the list of allowed SCMs`))
}

/**
 * What the hub's policy `build_from_scm` answers, on top of what the list said: `allow [use_common] [command…]` or
 * `deny [reason]`. An answer that does not ask for `common` turns it off. Fails with BuildError.
 */
export const allowedByPolicy = (
  scm: Place,
  answer: string | null,
  access: ScmAccess
): Result.Result<ScmAccess, KojiFault> => {
  const [verdict = "", ...words] = splitWords(answer ?? "")
  if (!["yes", "true", "allow", "allowed"].includes(verdict.toLowerCase())) {
    const reason = words.length === 0 ? "None" : words.join(" ")
    return Result.fail(buildError(`SCM: ${scm.host}:${scm.repository} is not allowed, reason: ${reason}`))
  }
  const useCommon = words[0]?.toLowerCase() === "use_common"
  const command = useCommon ? words.slice(1) : words
  const sourceCommand = command.length === 0 ? access.sourceCommand : command
  return Result.succeed({
    useCommon,
    sourceCommand: sourceCommand?.[0]?.toLowerCase() === "none" ? null : sourceCommand
  })
}

/** The data that the policy is asked with; the caller adds `user_id`, `channel` and `scratch`. */
export const scmPolicyData = (scm: ScmUrl): Readonly<Record<string, string | null>> => ({
  scm_url: scm.url,
  scm_scheme: scm.scheme,
  // kojid sends `user:password`; a policy has no use for the password.
  scm_user: scm.user,
  scm_host: scm.host,
  scm_repository: scm.repository,
  scm_module: scm.module,
  scm_revision: scm.revision,
  scm_type: scm.type
})
