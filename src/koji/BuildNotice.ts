/** The mail about a build that is over, with what its tasks left behind (tasks.md 5.1). */
import { type ChangelogEntry, changelogText, longTime, noticeText, pythonTruthText } from "./Notice.ts"

/** A task below the build's, as far as the mail tells of it. */
export interface NoticedTask {
  readonly id: number
  /** `buildArch (hello-1.0-1.src.rpm, noarch)`. */
  readonly label: string
  readonly arch: string
  /** Which child it is: the arch that it was for. */
  readonly place: string | null
  readonly host: string | null
  /** As Koji names it, in lower case. */
  readonly state: string
  /** What it failed of; null when it did not. */
  readonly failure: string | null
  /** Its output by name, and the volumes that each file is on. */
  readonly files: Readonly<Record<string, ReadonlyArray<string>>>
}

export interface BuildNotice {
  readonly from: string
  readonly recipients: ReadonlyArray<string>
  readonly build: {
    readonly id: number
    readonly taskId: number | null
    readonly packageName: string
    readonly version: string
    readonly release: string
    readonly nvr: string
    readonly owner: string
    readonly draft: boolean
    /** As Koji names it, in lower case. */
    readonly status: string
    readonly createdAt: number | null
    readonly completedAt: number | null
  }
  readonly destinationTag: string | null
  readonly canceler: string | null
  /** The build's own task first. */
  readonly tasks: ReadonlyArray<NoticedTask>
  readonly changelog: ReadonlyArray<ChangelogEntry>
  readonly webUrl: string
  readonly topUrl: string
  /** Where the builder is: times are told as its clock shows them. */
  readonly timeZone: string
}

export const buildNoticeText = (notice: BuildNotice): string => {
  const { build, webUrl, timeZone, canceler } = notice
  const tag = notice.destinationTag ?? "None"
  const subject = `Package: ${build.nvr} Tag: ${tag} Status: ${build.status} Built by: ${build.owner}`
  const changelog = changelogText(notice.changelog)
  return noticeText(
    [
      ["From", notice.from],
      ["Subject", subject],
      ["To", notice.recipients.join(", ")],
      ["X-Koji-Tag", tag],
      ["X-Koji-Package", build.packageName],
      ["X-Koji-Builder", build.owner],
      ["X-Koji-Status", build.status],
      ["X-Koji-Draft", pythonTruthText(build.draft)]
    ],
    [
      `Package: ${build.nvr}`,
      `Tag: ${tag}`,
      `Status: ${build.status}`,
      ...(canceler === null ? [] : [`Canceled by: ${canceler}`]),
      `Built by: ${build.owner}`,
      `ID: ${build.id}`,
      `Started: ${longTime(build.createdAt, timeZone)}`,
      `Finished: ${longTime(build.completedAt, timeZone)}`,
      changelog === "" ? "" : `Changelog:\n${changelog}`,
      failureText(notice),
      outputText(notice),
      `Task Info: ${webUrl}/taskinfo?taskID=${build.taskId ?? "None"}`,
      `Build Info: ${webUrl}/buildinfo?buildID=${build.id}`
    ]
  )
}

/** What the build failed of, and where. */
const failureText = ({ build, tasks }: BuildNotice): string => {
  if (build.status !== "failed") return ""
  const hosts = tasks
    .filter(({ host, state }) => host !== null && state === "failed")
    .map(({ host, arch }) => `${host} (${arch})`)
  return `\n${build.nvr} (${build.id}) failed on ${hosts.join(", ")}:\n  ${tasks[0]?.failure ?? "Unknown"}`
}

const sections = ["failed", "canceled", "closed"]

const outputText = (notice: BuildNotice): string => {
  const { tasks } = notice
  const sources = new Set(tasks.flatMap(({ files }) => Object.keys(files).filter(isSource)))
  const lines = sources.size === 0 ? [] : ["SRPMS:", ...[...sources].sort().map((name) => `  ${name}`), ""]
  for (const state of sections) {
    const those = tasks.filter((task) => task.state === state)
    if (those.length === 0) continue
    const title = `${state.charAt(0).toUpperCase()}${state.slice(1)} tasks:`
    lines.push(title, "-".repeat(title.length), "", ...those.flatMap((task) => [...taskLines(notice, task), ""]), "")
  }
  return lines.join("\n")
}

const isSource = (name: string): boolean => name.endsWith(".src.rpm")
type Kind = "logs" | "rpms" | "misc"
const kindOf = (name: string): Kind | undefined => {
  if (name.endsWith(".log")) return "logs"
  if (isSource(name)) return undefined
  return name.endsWith(".rpm") ? "rpms" : "misc"
}

const taskLines = ({ build, webUrl, topUrl }: BuildNotice, task: NoticedTask): ReadonlyArray<string> => {
  const built = `${topUrl.replace(/\/+$/, "")}/packages/${build.packageName}/${build.version}/${build.release}`
  const urlOf = (kind: Kind, name: string, volume: string) =>
    kind === "rpms"
      ? `${built}/${task.place ?? "None"}/${name}`
      : `${webUrl}/getfile?taskID=${task.id}&name=${name}&volume=${volume}`
  const lines = [`Task ${task.id}${task.host === null ? "" : ` on ${task.host}`}`, `Task Type: ${task.label}`]
  for (const kind of ["logs", "rpms", "misc"] as const) {
    const files = Object.entries(task.files)
      .filter(([name]) => kindOf(name) === kind)
      .flatMap(([name, volumes]) => volumes.map((volume) => urlOf(kind, name, volume)))
    if (files.length > 0) lines.push(`${kind}:`, ...files.sort().map((url) => `  ${url}`))
  }
  return lines
}
