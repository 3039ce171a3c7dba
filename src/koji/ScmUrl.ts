/**
 * Source URLs: `git+https://host/path?module#revision` (daemon.md 8.1).
 *
 * Koji's grammar is generous: it takes a revision that git would read as an option, and a host that is empty. So a
 * URL is read in two steps. `splitScmUrl` is Koji's grammar and nothing else; `parseScmUrl` also refuses what could
 * mean something else to the commands and paths that a URL becomes part of (daemon.md 10, rows 2 to 4), or something
 * else to the server than it meant to `allowed_scms`.
 */
import { Result } from "effect"
import { genericError, type KojiFault } from "./Fault.ts"

export type ScmType = "CVS" | "CVS+SSH" | "GIT" | "GIT+SSH" | "SVN" | "SVN+SSH"

/** Every scheme with its type. Plain `http`, `ssh`, `file` and `git+file` are none. */
const schemes: ReadonlyMap<string, ScmType> = new Map([
  ["cvs://", "CVS"],
  ["cvs+ssh://", "CVS+SSH"],
  ["git://", "GIT"],
  ["git+http://", "GIT"],
  ["git+https://", "GIT"],
  ["git+rsync://", "GIT"],
  ["git+ssh://", "GIT+SSH"],
  ["svn://", "SVN"],
  ["svn+http://", "SVN"],
  ["svn+https://", "SVN"],
  ["svn+ssh://", "SVN+SSH"]
])

export interface ScmUrl {
  readonly type: ScmType
  /** As it was given. */
  readonly url: string
  /** With its `://`. */
  readonly scheme: string
  readonly user: string | null
  /** Only where passwords are allowed. Never log it. */
  readonly password: string | null
  /** With its port. */
  readonly host: string
  /** A normalised absolute path, no slash at its end. */
  readonly repository: string
  /** May be empty. */
  readonly module: string
  readonly revision: string
}

/** Whether a build's source is a URL at all, or else the path of an upload. Case counts. */
export const isScmUrl = (source: string): boolean => schemeOf(source) !== undefined

const schemeOf = (url: string): string | undefined => [...schemes.keys()].find((scheme) => url.startsWith(scheme))

/** Koji's own grammar. Fails with GenericError. */
export const splitScmUrl = (url: string, allowPassword: boolean): Result.Result<ScmUrl, KojiFault> => {
  const scheme = schemeOf(url)
  const type = schemes.get(scheme ?? "")
  if (scheme === undefined || type === undefined) {
    const valid = [...schemes.keys()].sort().join(" ")
    return fail(`Invalid scheme in scm url. Valid schemes are: ${valid}`)
  }
  // Python's splitter drops these wherever they stand.
  const parts = /^([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/su.exec(
    url.slice(scheme.length).replaceAll(/[\t\r\n]/g, "")
  )
  const [, authority = "", fullPath = "", query = "", revision = ""] = parts ?? []
  const shown = withoutPassword(url)
  const pieces = authority.split("@")
  if (pieces.length > 2 || splitsDifferently(authority)) {
    return fail(`Invalid username@hostname specified: ${pieces.at(-1)}`)
  }
  const [user = "", ...secret] = pieces.length === 2 ? (pieces[0] ?? "").split(":") : []
  const password = secret.join(":")
  if (password !== "" && !allowPassword) return fail(`username:password format not supported: ${shown}`)
  const [path, params] = splitParams(fullPath)
  const unparsable = (problem: string) => fail(`Unable to parse SCM URL: ${shown} . ${problem}`)
  if (path === "") return unparsable("Could not find the path element.")
  const repository = normalPath(path)
  if (repository === "") return fail(`Invalid SCM URL. Path should begin with /: ${shown}`)
  if (params !== "") return unparsable(`Params element ${params} should be empty.`)
  if (revision === "") return unparsable("Could not find the fragment element.")
  return Result.succeed({
    type,
    url,
    scheme,
    user: user === "" ? null : user,
    password: password === "" ? null : password,
    host: pieces.at(-1) ?? "",
    repository,
    module: query.replace(/\/+$/, ""),
    revision
  })
}

/** Reads a URL that something will be done with. Fails with GenericError, also on what Koji lets pass. */
export const parseScmUrl = (url: string, allowPassword: boolean): Result.Result<ScmUrl, KojiFault> =>
  Result.flatMap(splitScmUrl(url, allowPassword), (scm) => {
    const problem = danger(scm)
    return problem === undefined ? Result.succeed(scm) : fail(`Unsafe SCM URL: ${withoutPassword(url)} . ${problem}`)
  })

const spaceOrControl = /[\s\p{Cc}\p{Z}]/u
/** A server decodes these after `allowed_scms` has looked: dots, slashes, backslashes, percents, controls. */
const encodedMeaning = /%(2[ef5]|5c|7f|[01][0-9a-f])/i

const danger = (scm: ScmUrl): string | undefined => {
  const { host, user, repository, module, revision } = scm
  if (spaceOrControl.test(scm.url)) return "It has white space or control characters."
  if (host === "" || host.startsWith(":")) return "It has no host."
  if (host.startsWith("-")) return "Its host begins with a hyphen."
  if (user?.startsWith("-") === true) return "Its user begins with a hyphen."
  if (encodedMeaning.test(repository)) return "Its path hides characters behind percents."
  if (checkoutName(scm) === "") return "Its path names no repository."
  if (module.startsWith("/") || module.startsWith("-")) return "Its module begins with a slash or a hyphen."
  if (module.includes("?") || encodedMeaning.test(module)) return "Its module has a question mark or hides characters."
  if (module.split("/").includes("..")) return "Its module leads out of the checkout."
  if (localRevision(scm).startsWith("-") || revision.startsWith("-")) return "Its revision begins with a hyphen."
  if (revision.includes(":") || revision.includes("..")) return "Its revision is no single revision."
  return undefined
}

/** The revision as it is fetched. */
export const localRevision = ({ revision }: ScmUrl): string => revision.replace(/^origin\//, "")

/** The directory that the repository is checked out to (daemon.md 8.5). */
export const checkoutName = ({ repository }: ScmUrl): string => {
  const path = repository.replace(/\/?\.git$/, "")
  return path.slice(path.lastIndexOf("/") + 1)
}

/** What git is given as the remote, a password included: not for logs. */
export const gitRemote = (scm: ScmUrl): string => {
  const user = scm.user === null ? "" : `${scm.user}${scm.password === null ? "" : `:${scm.password}`}@`
  const scheme = scm.type === "GIT+SSH" ? scm.scheme : scm.scheme.replace(/^git\+/, "")
  return `${scheme}${user}${scm.host}${scm.repository}`
}

/** Where the source came from, by full hash, without the user: what a build's `source` says. */
export const sourceByHash = (scm: ScmUrl, hash: string): string =>
  `${scm.scheme}${scm.host}${scm.repository}${scm.module === "" ? "" : `?${scm.module}`}#${hash}`

/** A URL for messages: who may read a task may not read its passwords. */
export const withoutPassword = (url: string): string => url.replace(/^([^/]*:\/\/[^/?#:@]*):[^/?#]*@/, "$1:[hidden]@")

/** The same for a text of several words, any of which may be or hold a URL, or a user and password before a host. */
export const withoutPasswords = (text: string): string =>
  text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*):[^\s/?#]*@/giu, "$1:[hidden]@")
    // `name:tag@sha256:…` is an image.
    .replaceAll(/(^|[\s=,])([^\s/?#:@=,]+):[^\s/?#]*@(?!sha[0-9]+:)/gu, "$1$2:[hidden]@")

const fail = (message: string): Result.Result<never, KojiFault> => Result.fail(genericError(message))

/** Brackets that are no address, and characters that a resolver would take for delimiters: Python refuses both. */
const splitsDifferently = (authority: string): boolean =>
  (/[[\]]/.test(authority) && !/^(?:[^[\]]*@)?\[[0-9A-Fa-f:.]+\](?::\d*)?$/.test(authority)) ||
  (/[^\0-\x7f]/.test(authority) && /[/?#@:]/.test(authority.replaceAll(/[@:]/g, "").normalize("NFKC")))

/** `;params` of the last segment. */
const splitParams = (path: string): readonly [path: string, params: string] => {
  const semicolon = path.indexOf(";", path.lastIndexOf("/"))
  return semicolon === -1 ? [path, ""] : [path.slice(0, semicolon), path.slice(semicolon + 1)]
}

/** Python's `normpath` of an absolute path, its slashes at both ends reduced to the first; empty for the root. */
const normalPath = (path: string): string => {
  const segments: Array<string> = []
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop()
    else if (segment !== "" && segment !== ".") segments.push(segment)
  }
  return segments.map((segment) => `/${segment}`).join("")
}
