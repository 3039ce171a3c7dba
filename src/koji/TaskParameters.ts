/**
 * A task's parameters by name.
 *
 * A request is a list, its last element a struct with `__starstar` when some are given by keyword (daemon.md 3.5);
 * which position is which parameter is in the method's signature (daemon.md 3.9). They are bound as Python binds a
 * call, and a mismatch is a ParameterError with Python's text, since that is what kojid fails such a task with.
 */
import { Result } from "effect"
import { genericError, type KojiFault, parameterError } from "./Fault.ts"
import { isPythonDict, type PythonValue, pythonTruth } from "./PythonRepr.ts"

/** What a parameter can be when it is not given. */
export type DefaultValue = null | boolean | number | string | readonly []

interface Signature {
  readonly required: ReadonlyArray<string>
  readonly optional?: Readonly<Record<string, DefaultValue>>
  /** The name under which further positional parameters are collected, and the one for further keywords. */
  readonly rest?: string
  readonly keywords?: string
}

const opts = { opts: null }
const createImage = ["name", "version", "release", "arch", "target_info", "build_tag", "repo_info"]
const image = { required: [...createImage, "ksfile"], optional: opts }
const spin = { required: ["name", "version", "arch", "target", "ksfile"], optional: opts }

const signatures: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ["build", { required: ["src", "target"], optional: opts }],
  ["buildArch", { required: ["pkg", "root", "arch", "keep_srpm"], optional: opts }],
  ["buildSRPMFromSCM", { required: ["url", "build_tag"], optional: opts }],
  ["rebuildSRPM", { required: ["srpm", "build_tag"], optional: opts }],
  ["chainbuild", { required: ["srcs", "target"], optional: opts }],
  ["tagBuild", { required: ["tag_id", "build_id"], optional: { force: false, fromtag: null, ignore_success: false } }],
  [
    "tagNotification",
    {
      required: ["recipients", "is_successful", "tag_info", "from_info", "build_info", "user_info"],
      optional: { ignore_success: null, failure_msg: "" }
    }
  ],
  ["buildNotification", { required: ["recipients", "build", "target", "weburl"] }],
  // The older form, without opts, has false where this has null; a handler treats the two alike.
  [
    "newRepo",
    { required: ["tag"], optional: { event: null, src: null, debuginfo: null, separate_src: null, ...opts } }
  ],
  ["createrepo", { required: ["repo_id", "arch", "oldrepo"] }],
  ["distRepo", { required: ["tag", "repo_id", "keys", "task_opts"] }],
  ["createdistrepo", { required: ["tag", "repo_id", "arch", "keys", "opts"] }],
  ["waitrepo", { required: ["tag"], optional: { newer_than: null, nvrs: null, min_event: null } }],
  ["maven", { required: ["url", "target"], optional: opts }],
  ["buildMaven", { required: ["url", "build_tag"], optional: opts }],
  ["chainmaven", { required: ["builds", "target"], optional: opts }],
  ["wrapperRPM", { required: ["spec_url", "build_target", "build", "task"], optional: opts }],
  ["image", { required: ["name", "version", "arches", "target", "inst_tree"], optional: opts }],
  ["createImage", { required: [...createImage, "inst_tree"], optional: opts }],
  ["appliance", spin],
  ["livecd", spin],
  ["livemedia", { required: ["name", "version", "arches", "target", "ksfile"], optional: opts }],
  ["createAppliance", image],
  ["createLiveCD", image],
  ["createLiveMedia", image],
  ["indirectionimage", { required: ["opts"] }],
  ["winbuild", { required: ["name", "source_url", "target"], optional: opts }],
  ["vmExec", { required: ["name", "task_info"], optional: opts }],
  [
    "runroot",
    {
      required: ["root", "arch", "command"],
      optional: {
        keep: false,
        packages: [],
        mounts: [],
        repo_id: null,
        skip_setarch: false,
        weight: null,
        upload_logs: null,
        new_chroot: false
      }
    }
  ],
  ["kiwiBuild", { required: ["target", "arches", "desc_url", "desc_path"], optional: opts }],
  ["createKiwiImage", { required: [...createImage, "desc_url", "desc_path"], optional: opts }],
  ["dudBuild", { required: ["dud_name", "dud_version", "arches", "target", "pkg_list"], optional: opts }],
  [
    "createDudIso",
    {
      required: ["dud_name", "dud_version", "dud_release", "arch", "target_info", "build_tag", "repo_info", "pkg_list"],
      optional: opts
    }
  ],
  ["saveFailedTree", { required: ["buildrootID"], optional: { full: false } }],
  ["restartHosts", { required: [], optional: { options: null } }],
  ["restart", { required: ["host"] }],
  ["restartVerify", { required: ["task_id", "host"] }],
  ["shutdown", { required: [] }],
  ["dependantTask", { required: ["wait_list", "task_list"] }],
  ["sleep", { required: ["n"] }],
  ["fork", { required: [], optional: { n: 5, m: 37 } }],
  ["waittest", { required: ["count"], optional: { seconds: 10 } }],
  ["subtask", { required: [], optional: { n: 4 } }],
  ["someMethod", { required: [], rest: "args" }],
  ["default", { required: [], rest: "args", keywords: "opts" }]
])

/** The methods whose signature is known, which are more than those a builder has handlers for. */
export const knownMethods: ReadonlyArray<string> = [...signatures.keys()]

/** The parameters by name, those not given with their defaults; what they must look like is the handler's to say. */
export type BoundParameters<V> = {
  readonly [name: string]: V | DefaultValue | ReadonlyArray<V> | { readonly [name: string]: V }
}

/**
 * Binds the parameters of a method to their names. Fails with ParameterError (1019) when they do not fit, and with
 * GenericError for a method that is not known.
 */
export const bindParameters = <V>(
  method: string,
  positional: ReadonlyArray<V>,
  keywords: { readonly [name: string]: V }
): Result.Result<BoundParameters<V>, KojiFault> => {
  const signature = signatures.get(method)
  if (signature === undefined) return Result.fail(genericError(`method "${method}" is not supported`))
  const misfit = (problem: string) => Result.fail(parameterError(`${method}() ${problem}`))
  const defaults = Object.entries(signature.optional ?? {})
  const names = [...signature.required, ...defaults.map(([name]) => name)]
  const bound = new Map<string, BoundParameters<V>[string]>()
  const others = new Map<string, V>()
  for (const [at, value] of positional.entries()) {
    const name = names[at]
    if (name !== undefined) bound.set(name, value)
  }
  for (const [name, value] of Object.entries(keywords)) {
    if (bound.has(name)) return misfit(`got multiple values for argument '${name}'`)
    if (names.includes(name)) bound.set(name, value)
    else if (signature.keywords === undefined) return misfit(`got an unexpected keyword argument '${name}'`)
    else others.set(name, value)
  }
  if (positional.length > names.length && signature.rest === undefined) {
    const range = defaults.length > 0 ? `from ${signature.required.length} to ${names.length}` : `${names.length}`
    const plural = defaults.length > 0 || names.length !== 1 ? "s" : ""
    const given = `${positional.length} ${positional.length === 1 ? "was" : "were"} given`
    return misfit(`takes ${range} positional argument${plural} but ${given}`)
  }
  const missing = signature.required.filter((name) => !bound.has(name))
  if (missing.length > 0) {
    const plural = missing.length === 1 ? "" : "s"
    return misfit(`missing ${missing.length} required positional argument${plural}: ${inWords(missing)}`)
  }
  for (const [name, value] of defaults) if (!bound.has(name)) bound.set(name, value)
  if (signature.rest !== undefined) bound.set(signature.rest, positional.slice(names.length))
  if (signature.keywords !== undefined) bound.set(signature.keywords, Object.fromEntries(others))
  return Result.succeed(Object.fromEntries(bound))
}

/** `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`. */
const inWords = (names: ReadonlyArray<string>): string => {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.pop() ?? ""
  if (quoted.length === 0) return last
  return quoted.length === 1 ? `${quoted[0]} and ${last}` : `${quoted.join(", ")}, and ${last}`
}

/** A request's elements: the keywords are in the last one if that is a struct with a true `__starstar`. */
export const splitKeywords = (
  request: ReadonlyArray<PythonValue>
): { readonly positional: ReadonlyArray<PythonValue>; readonly keywords: { readonly [name: string]: PythonValue } } => {
  const last = request.at(-1)
  if (last === undefined || !isPythonDict(last) || !pythonTruth(ownMember(last, "__starstar"))) {
    return { positional: request, keywords: {} }
  }
  return { positional: request.slice(0, -1), keywords: without(last, "__starstar") }
}

/**
 * The named parameters of a task's request. A request of the newer kind, one struct with `__method__`, has names
 * already; kojid does not understand those, to understand them is harmless (daemon.md 3.5).
 */
export const parametersOf = (
  method: string,
  request: ReadonlyArray<PythonValue>
): Result.Result<BoundParameters<PythonValue>, KojiFault> => {
  const [only] = request
  if (request.length === 1 && only !== undefined && isPythonDict(only) && Object.hasOwn(only, "__method__")) {
    return bindParameters(method, [], without(only, "__method__"))
  }
  const { positional, keywords } = splitKeywords(request)
  return bindParameters(method, positional, keywords)
}

const ownMember = (struct: { readonly [name: string]: PythonValue }, name: string): PythonValue | undefined =>
  Object.hasOwn(struct, name) ? struct[name] : undefined

const without = (struct: { readonly [name: string]: PythonValue }, name: string) =>
  Object.fromEntries(Object.entries(struct).filter(([key]) => key !== name))
