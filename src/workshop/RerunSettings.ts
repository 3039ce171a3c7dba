/** How containers of a recorded build are asked for again: as they were, as far as this machine and its operator allow. */
import { cpus } from "node:os"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { reads } from "../buildroot/ContainerSteps.ts"
import type { ContainerSpec, ResourceLimits } from "../engine/ContainerSpec.ts"
import { label } from "../engine/Labels.ts"
import type { RecordedBuild } from "./RecordedBuild.ts"

/** The settings of a builder that runs this one build: its host's name is the recorded one, since packages hold it. */
export const rerunSettings = (
  local: BuilderSettings["Service"],
  recorded: RecordedBuild,
  directory: string,
  tree: string | null
): BuilderSettings["Service"] => {
  const [first] = recorded.containers.values()
  return BuilderSettings.of({
    ...local,
    hostName: first?.spec.labels[label.workerId] ?? local.hostName,
    stateDirectory: directory,
    logDirectory: `${directory}/log`,
    topDirectory: tree !== null && isDirectory(tree) ? tree : local.topDirectory,
    failedRootBytesMax: 0
  })
}

/**
 * A container as the record has it: command line, environment and limits. A journal may come from anywhere, so it is not
 * given more than the program would have, nor more than this machine and its operator's limits allow; and where there is
 * a network, only what this version would run is run.
 */
export const asRecorded =
  (recorded: RecordedBuild, tree: string | null) =>
  (spec: ContainerSpec): ContainerSpec => {
    const was = recorded.containers.get(spec.labels[label.step] ?? "")?.spec
    if (was === undefined) return spec
    const limits = within(spec.limits, was.limits)
    // The hub's tree may have links in it that name its own place.
    const reach = tree !== null && isDirectory(tree) ? [reads(tree, tree, false)] : []
    if (spec.network !== "none") return { ...spec, limits, mounts: [...spec.mounts, ...reach] }
    return { ...spec, command: was.command, environment: was.environment, limits }
  }

const isDirectory = (tree: string): boolean => tree.startsWith("/")

/** No limit is above what is configured here; and an engine refuses more processors than there are. */
const within = (ours: ResourceLimits, was: ResourceLimits): ResourceLimits => ({
  memoryBytes: Math.min(ours.memoryBytes, was.memoryBytes),
  cpus: Math.min(ours.cpus, was.cpus, cpus().length),
  processes: Math.min(ours.processes, was.processes),
  openFiles: Math.min(ours.openFiles, was.openFiles),
  wallSeconds: Math.min(ours.wallSeconds, was.wallSeconds),
  silenceSeconds: Math.min(ours.silenceSeconds, was.silenceSeconds),
  outputBytes: Math.min(ours.outputBytes, was.outputBytes),
  diskBytes: Math.min(ours.diskBytes, was.diskBytes)
})
