/**
 * The request that creates a step's container: everything set by us, nothing left to an image or to an engine's defaults.
 *
 * An image's entrypoint, command, user, working directory, health check, stop signal and environment are all replaced;
 * its variables are removed one by one, for what is not mentioned would stay (`LD_PRELOAD`, `BASH_ENV`). Its volumes
 * cannot be removed through the API: they become anonymous volumes that go with the container, and a step whose
 * container is to become an image refuses such an image instead, since volumes are left out of a commit.
 *
 * Where the engines differ (tried on Docker 20.10 and Podman 4.3):
 * - A variable without `=` removes it on Docker; Podman would look it up in its own environment and has `UnsetEnv`.
 * - Docker's `json-file` replaces invalid UTF-8, so `local` it is, with a maximum far above the step's limit, since it
 *   drops the oldest without a word; Podman refuses `local`, and its `k8s-file` is exact. It has no maximum unless the
 *   operator's `containers.conf` says one, which would drop the oldest too: so it gets the same one.
 * - Podman needs both `nofile` and `nproc`, or its own defaults fail where CAP_SYS_RESOURCE is missing.
 * - Podman makes a timer of any health check, even of `NONE`: it is only told of one that it has to take away.
 * - A bind with an SELinux label can only be told in the older notation (`source:target:ro,Z`).
 */
import type { ContainerSpec, Network, VolumeMount } from "./ContainerSpec.ts"

/** What the body depends on beside the step. */
export interface CreateContext {
  readonly engine: "docker" | "podman"
  /** Where its streams end: in the engine's log, or at somebody's terminal. */
  readonly ends: "log" | "terminal"
  /** The variables that the image sets. */
  readonly imageEnvironment: ReadonlyArray<string>
  /** Whether the image has a health check of its own. */
  readonly imageHealthcheck: boolean
  /** An init of the engine's as process 1: it forwards signals, reaps orphans, ends with the command. */
  readonly init: boolean
}

/** What a package manager needs to lay out files as root, and no more (design, "Containers"). */
const capabilitiesOf = {
  build: [],
  install: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETUID", "SETGID", "SYS_CHROOT"]
} as const

const mebibyte = 1024 * 1024
/** How far an engine's log may grow beyond the output limit before it drops its start. Docker takes 26 bytes for an empty line. */
export const logMaximumBytes = (outputBytes: number): number => 16 * outputBytes + 64 * mebibyte
/** `nproc` counts a user's processes across all containers of the host: it must not be what holds one step (`PidsLimit`). */
const processesOfUser = (limit: number): number => Math.max(4096, 4 * limit)

/** The words in front of the command: `sh` becomes the command, with its stderr where its stdout goes if they are joined. */
export const entrypoint = {
  joined: ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh"],
  apart: ["/bin/sh", "-c", 'exec "$@"', "sh"]
} as const

/** The body of `POST /containers/create`. */
export const createBody = (spec: ContainerSpec, context: CreateContext) => {
  const foreign = context.imageEnvironment
    .map((entry) => entry.split("=", 1)[0] ?? "")
    .filter((name) => name !== "" && !(name in spec.environment))
  const own = Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`)
  const labelled = spec.mounts.filter((mount) => mount.relabel !== "none")
  const plain = spec.mounts.filter((mount) => mount.relabel === "none")
  const { limits } = spec
  return {
    Image: spec.image,
    Entrypoint: [...entrypoint[spec.output]],
    Cmd: [...spec.command],
    Env: context.engine === "docker" ? [...own, ...foreign] : own,
    ...(context.engine === "podman" ? { UnsetEnv: foreign } : {}),
    User: spec.user,
    WorkingDir: spec.workingDirectory,
    Hostname: spec.hostname,
    Labels: { ...spec.labels },
    ...(context.engine === "docker" || context.imageHealthcheck ? { Healthcheck: { Test: ["NONE"] } } : {}),
    // Nobody's grace period delays us, and a stop by the engine cannot pass for a command that failed by itself.
    StopSignal: "SIGKILL",
    Tty: context.ends === "terminal",
    OpenStdin: context.ends === "terminal",
    // When whoever sits there goes away, the command hears so.
    StdinOnce: context.ends === "terminal",
    AttachStdin: context.ends === "terminal",
    AttachStdout: context.ends === "terminal",
    AttachStderr: context.ends === "terminal",
    HostConfig: {
      Init: context.init,
      AutoRemove: false,
      Privileged: false,
      ReadonlyRootfs: spec.readOnlyRoot,
      NetworkMode: networkMode(spec.network),
      CapDrop: ["ALL"],
      CapAdd: [...capabilitiesOf[spec.capabilities]],
      SecurityOpt: ["no-new-privileges"],
      RestartPolicy: { Name: "no" },
      LogConfig:
        context.engine === "docker"
          ? {
              Type: "local",
              Config: { "max-size": String(logMaximumBytes(limits.outputBytes)), "max-file": "1", compress: "false" }
            }
          : { Type: "k8s-file", Config: { "max-size": String(logMaximumBytes(limits.outputBytes)) } },
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      PidsLimit: limits.processes,
      // Counted as the step's memory, whatever its size here.
      ShmSize: Math.floor(limits.memoryBytes / 2),
      Ulimits: [
        { Name: "nofile", Soft: limits.openFiles, Hard: limits.openFiles },
        { Name: "nproc", Soft: processesOfUser(limits.processes), Hard: processesOfUser(limits.processes) },
        { Name: "core", Soft: 0, Hard: 0 }
      ],
      Mounts: plain.map((mount) => ({
        Type: "bind",
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly
      })),
      Binds: labelled.map(bindOf),
      Tmpfs: Object.fromEntries(
        Object.entries(spec.tmpfs).map(([path, bytes]) => [path, `rw,exec,nosuid,nodev,mode=1777,size=${bytes}`])
      )
    }
  }
}
export type CreateBody = ReturnType<typeof createBody>

const networkMode = (network: Network): string => (typeof network === "string" ? network : network.named)

const bindOf = (mount: VolumeMount): string =>
  `${mount.source}:${mount.target}:${mount.readOnly ? "ro" : "rw"},${mount.relabel === "private" ? "Z" : "z"}`

/** Why this step cannot be asked for at all, or undefined. What the notations cannot say is refused, not mangled. */
export const objection = (spec: ContainerSpec, imageVolumes: ReadonlyArray<string>): string | undefined => {
  for (const mount of spec.mounts) {
    if (mount.relabel !== "none" && (mount.source.includes(":") || mount.target.includes(":"))) {
      return `a path with a colon cannot be mounted with an SELinux label: ${mount.source} at ${mount.target}`
    }
  }
  if (spec.commit !== null && imageVolumes.length > 0) {
    return `the image declares volumes (${imageVolumes.join(", ")}), which a commit would leave out`
  }
  if (spec.command.length === 0) return "there is no command"
  return undefined
}
