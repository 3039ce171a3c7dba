/**
 * A task in one line, as the web page and the notifications show it (tasks.md 15.1): `buildArch (foo-1-1.src.rpm,
 * x86_64)`. What Koji makes of a request that it cannot read, or can read only half, is part of it.
 */
import { Result } from "effect"
import { isPythonDict, type PythonValue, pythonStr, pythonTruth } from "./PythonRepr.ts"
import { type BoundParameters, knownMethods, parametersOf } from "./TaskParameters.ts"

export interface LabelledTask {
  readonly method: string
  readonly arch: string
  readonly request: ReadonlyArray<PythonValue>
}

/** The label of a task. Never fails: what is not understood is `malformed task`. */
export const taskLabel = (task: LabelledTask): string => {
  const label = labels.get(task.method) ?? ofArch
  if (!knownMethods.includes(task.method)) return `${task.method} (${task.arch})`
  const parameters = parametersOf(task.method, task.request)
  if (Result.isFailure(parameters)) return `${task.method} (${task.arch}, unknown args)`
  const extra = label(parameters.success)
  if (extra === undefined) return "malformed task"
  return `${task.method} (${extra === "" ? task.arch : extra})`
}

type Parameters = BoundParameters<PythonValue>
/** Undefined when the parameters are not of the shape that the method's label is made of. */
type Label = (parameters: Parameters) => string | undefined

/** Nothing in the parameters tells people anything. */
const ofArch: Label = () => ""

const sourceAndTarget: Label = (task) => {
  const source = text(first(task, "src", "url"))
  const target = nameOrText(first(task, "target", "build_tag"))
  if (source === undefined || target === undefined) return undefined
  return `${target}, ${source.includes("://") ? sourceInfo(source) : baseName(source)}`
}

const ofTarget: Label = ({ target }) =>
  string(target !== undefined && isPythonDict(target) ? member(target, "name") : target)

const ofTag: Label = (task) => nameOrText(task["tag"])

/** `image` and its like name the image; the tasks below them also say for which target, release and arch. */
const ofImage: Label = (task) => {
  const arch = first(task, "arch", "arches")
  return joined`${arch}, ${task["name"]}-${task["version"]}, ${first(task, "ksfile", "inst_tree")}`
}

const ofCreatedImage: Label = (task) =>
  joined`${member(task["target_info"], "name")}, ${task["name"]}-${task["version"]}-${task["release"]}, ${first(task, "ksfile", "inst_tree")}, ${task["arch"]}`

const ofHost: Label = (task) => string(member(task["host"], "name"))

const labels: ReadonlyMap<string, Label> = new Map<string, Label>([
  ["build", sourceAndTarget],
  ["maven", sourceAndTarget],
  [
    "indirectionimage",
    ({ opts }) => joined`${member(opts, "name")}, ${member(opts, "version")}, ${member(opts, "release")}`
  ],
  [
    "buildSRPMFromSCM",
    ({ url }) => {
      const source = text(url)
      return source === undefined ? undefined : sourceInfo(source)
    }
  ],
  [
    "buildArch",
    ({ pkg, arch }) => {
      const name = text(pkg !== undefined && isPythonDict(pkg) ? pkg["name"] : pkg)
      return name === undefined ? undefined : joined`${baseName(name)}, ${arch}`
    }
  ],
  ["buildMaven", ({ build_tag }) => string(member(build_tag, "name"))],
  [
    "wrapperRPM",
    ({ build_target, build }) => {
      const target = member(build_target, "name")
      return pythonTruth(build) ? joined`${target}, ${buildLabel(build)}` : string(target)
    }
  ],
  [
    "winbuild",
    ({ source_url, target }) => {
      const source = text(source_url)
      return source === undefined ? undefined : joined`${nameOrText(target)}, ${sourceInfo(source)}`
    }
  ],
  ["vmExec", ({ name }) => string(name)],
  ["buildNotification", ({ build }) => buildLabel(build)],
  ["newRepo", ofTag],
  ["distRepo", ofTag],
  ["createrepo", ({ arch }) => string(arch)],
  ["createdistrepo", ({ repo_id, arch }) => joined`${repo_id}, ${arch}`],
  [
    "dependantTask",
    ({ task_list }) =>
      Array.isArray(task_list)
        ? allOf(task_list.map((task) => (Array.isArray(task) ? string(task[0]) : undefined)))?.join(", ")
        : undefined
  ],
  ["chainbuild", ofTarget],
  ["chainmaven", ofTarget],
  [
    "waitrepo",
    (task) => {
      const tag = ofTag(task)
      if (!Array.isArray(task["nvrs"])) return tag
      const nvrs = allOf(task["nvrs"].map(text))
      return nvrs === undefined ? undefined : joined`${tag}, ${nvrs.join(", ")}`
    }
  ],
  ["livecd", ofImage],
  ["appliance", ofImage],
  ["image", ofImage],
  ["livemedia", ofImage],
  ["createLiveCD", ofCreatedImage],
  ["createAppliance", ofCreatedImage],
  ["createImage", ofCreatedImage],
  ["createLiveMedia", ofCreatedImage],
  ["restart", ofHost],
  ["restartVerify", ofHost]
])

/** `name-version-release` of a build struct, whose name is under either of two keys. */
export const buildLabel = (build: PythonValue | undefined): string | undefined => {
  if (build === undefined || !isPythonDict(build)) return undefined
  const name = pythonTruth(build["package_name"]) ? build["package_name"] : build["name"]
  return [name, build["version"], build["release"]].map((part) => pythonStr(part ?? null)).join("-")
}

/** `path[:module]:revision` of a source URL. Where a part is missing, what Python's slices leave. */
const sourceInfo = (url: string): string => {
  const query = url.indexOf("?")
  const fragment = url.indexOf("#")
  const module = query === -1 ? "" : url.slice(query + 1, fragment)
  const path = url.slice(url.indexOf("/", url.indexOf("://") + 3), query === -1 ? fragment : query)
  return [path, ...(module === "" ? [] : [module]), url.slice(fragment + 1)].join(":")
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

const text = (value: PythonValue | undefined): string | undefined => (typeof value === "string" ? value : undefined)

const string = (value: PythonValue | undefined): string | undefined =>
  value === undefined ? undefined : pythonTruth(value) ? pythonStr(value) : ""

const member = (value: PythonValue | undefined, name: string): PythonValue | undefined =>
  value !== undefined && isPythonDict(value) && Object.hasOwn(value, name) ? value[name] : undefined

/** A tag or target is given by name, by id, or as the hub's struct. */
const nameOrText = (value: PythonValue | undefined): string | undefined => {
  const name = value !== undefined && isPythonDict(value) ? member(value, "name") : value
  return name === undefined ? undefined : pythonStr(name)
}

/** Python's `a or b` of two parameters, the first of which a method may not have. */
const first = (task: Parameters, name: string, otherwise: string): PythonValue | undefined =>
  pythonTruth(task[name]) ? task[name] : (task[otherwise] ?? null)

const allOf = <A>(values: ReadonlyArray<A | undefined>): ReadonlyArray<A> | undefined => {
  const present = values.filter((value) => value !== undefined)
  return present.length === values.length ? present : undefined
}

/** A text with holes for values, undefined when one of them is. */
const joined = (texts: TemplateStringsArray, ...values: ReadonlyArray<PythonValue | undefined>): string | undefined => {
  const present = allOf(values)
  return present?.reduce<string>((label, value, at) => label + pythonStr(value) + (texts[at + 1] ?? ""), texts[0] ?? "")
}
