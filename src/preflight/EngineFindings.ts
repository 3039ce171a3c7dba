/** What there is to say of the container engine and of the image that every buildroot is made with. */
import type { EngineInfo, ImageInfo, PullPolicy } from "../engine/Engine.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export type EngineFacts =
  | { readonly _tag: "Silent"; readonly message: string }
  | {
      readonly _tag: "Answers"
      readonly socketPath: string
      readonly info: EngineInfo
      readonly tools: {
        readonly reference: string
        /** Null when the engine does not have it. */
        readonly image: ImageInfo | null
        /** Why it could not be fetched, when that was tried. */
        readonly refusal: string | null
      }
      readonly pullPolicy: PullPolicy
    }

/** Storage drivers that copy whole trees for each container. */
const slowDrivers: ReadonlyArray<string> = ["vfs", "devicemapper"]

export const engineFindings = (facts: EngineFacts): ReadonlyArray<Finding> => {
  if (facts._tag === "Silent") {
    return [problem("engine", facts.message, "start Docker or Podman's service, or set engine_socket in [adjutant]")]
  }
  const { info, socketPath } = facts
  const rootless = info.rootless ? ", rootless" : ""
  return [
    ok("engine", `${info.kind} ${info.version} on ${socketPath}${rootless}`),
    info.limitsEnforced
      ? ok("limits", "memory and process limits are enforced")
      : warning(
          "limits",
          "the engine does not enforce memory and process limits: one build can take the whole machine",
          info.rootless ? "use cgroup v2, or run the engine as root" : "give the engine the memory and pids controllers"
        ),
    info.liveRestore
      ? ok("live-restore", "containers survive a restart of the engine")
      : warning(
          "live-restore",
          "a restart of the engine ends every container, and their steps run again",
          'set "live-restore": true in /etc/docker/daemon.json and reload Docker'
        ),
    slowDrivers.includes(info.storageDriver)
      ? warning(
          "storage",
          `the driver ${info.storageDriver} copies the whole root for each container`,
          "use overlay2 (Docker) or overlay (Podman), on a file system that can"
        )
      : ok("storage", `driver ${info.storageDriver}, images in ${info.dataRoot}`),
    toolsFinding(facts)
  ]
}

const toolsFinding = ({
  info,
  tools: { reference, image, refusal },
  pullPolicy
}: Extract<EngineFacts, { _tag: "Answers" }>): Finding => {
  const subject = "tools image"
  if (refusal !== null) {
    return problem(subject, `${reference} cannot be had: ${refusal}`, "correct tools_image in [adjutant]")
  }
  if (image === null) {
    if (pullPolicy === "never" || reference.startsWith("localhost/")) {
      return problem(
        subject,
        `${reference} is not on this engine, and is not fetched from anywhere`,
        "load it (scripts/tools-image makes one), or name one of a registry as tools_image in [adjutant]"
      )
    }
    return warning(
      subject,
      `${reference} is not on this engine; the first task would fetch it`,
      "`adjutant check --pull` fetches it now, and tells whether it can"
    )
  }
  return image.architecture === info.architecture
    ? ok(subject, `${reference} is here`)
    : problem(
        subject,
        `${reference} is for ${image.architecture}, and this engine runs ${info.architecture}`,
        `name an image for ${info.architecture} as tools_image in [adjutant]`
      )
}
