/**
 * Whether the kernel killed something in a container for want of memory, by the kernel's own log.
 *
 * Docker says it itself, but at times hears of the end first (containerd's issue 12372), and has not heard of the cause
 * when it is asked. Podman 4.3 leaves `OOMKilled` false on hosts with version 1 control groups (its conmon writes the mark
 * where nobody looks), the counter in the container's control group vanishes with the container, and there is no event.
 * The kernel's log names the group, and with it the container, by its full id. A user who may not read the
 * log (rootless, `dmesg_restrict`) is told `Signaled` by 9 instead.
 */

import { execFile } from "node:child_process"
import { Effect } from "effect"

/** More than the largest kernel log. */
const logBytesMax = 64 * 1024 * 1024
const readSeconds = 10

/** True if the kernel's log says so; false when it does not, or cannot be read. */
export const killedForMemory = (containerId: string): Effect.Effect<boolean> =>
  Effect.promise(
    (signal) =>
      new Promise<boolean>((resolve) => {
        const options = { signal, timeout: 1000 * readSeconds, maxBuffer: logBytesMax, encoding: "latin1" } as const
        execFile("dmesg", [], options, (_, stdout) => resolve(mentionsKill(stdout, containerId)))
      })
  )

/** `oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/…/libpod-<id>,...` (mm/oom_kill.c). */
export const mentionsKill = (log: string, containerId: string): boolean =>
  log
    .split("\n")
    .some((line) => line.includes("oom-kill:") && line.includes("oom_memcg=") && line.includes(containerId))
