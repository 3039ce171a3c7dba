/**
 * From what an engine knows about a container that has ended, how its command ended. A decision, so it is pure.
 *
 * With an init as process 1, and with a shell's convention besides, a command killed by signal n shows as exit code
 * 128+n; one that chooses such a code itself cannot be told apart. Our containers' stop signal is SIGKILL, so that
 * nothing an engine does (a stop, its own shutdown) ever looks like a command's own exit code. Whether the exit was the
 * command's doing at all is known only if the engine was there all the time.
 *
 * Podman writes -1 for an exit code that it has not learnt: on a busy machine its conmon takes more than five seconds to
 * say how a container ended that was told to end.
 */
import type { ExitReason, ResourceLimits } from "./ContainerSpec.ts"
import { ExitReason as reason } from "./ContainerSpec.ts"

export interface Ending {
  readonly exitCode: number
  /** The kernel killed something in it for want of memory. */
  readonly outOfMemory: boolean
  /** The limit of ours that made us kill it. */
  readonly limit:
    | { readonly limit: "wall" | "silence" | "output" | "disk" | "space"; readonly value: number }
    | undefined
  /** Why nobody can vouch for the exit code when it is a signal's: the engine was away, or somebody told it to kill. */
  readonly doubt: string | undefined
  /** The engine that reads its output was away when it ended: nobody knows what it said last, nor whether it ended itself. */
  readonly endedUnread: boolean
  /** The machine was started anew since: whatever the engine says was not seen by anyone. */
  readonly rebooted: boolean
}

const signalBase = 128
const signalMax = 31

/** How the command ended (design, "Containers"). */
export const readEnding = (ending: Ending, limits: ResourceLimits): ExitReason => {
  const signal = ending.exitCode - signalBase
  const signaled = signal >= 1 && signal <= signalMax
  const unknown = ending.exitCode < 0
  if (ending.limit !== undefined) {
    // A command that came to its end while we were about to kill it for the time it took has ended by itself.
    const timed = ending.limit.limit === "wall" || ending.limit.limit === "silence"
    if (!timed || signaled || unknown) return reason.cases.LimitReached.make(ending.limit)
  }
  if (ending.rebooted) return reason.cases.Uncertain.make({ detail: "the machine was started anew while it ran" })
  if (ending.endedUnread) return reason.cases.Uncertain.make({ detail: "the engine was away when it ended" })
  if (ending.outOfMemory && ending.exitCode !== 0) {
    return reason.cases.OutOfMemory.make({ memoryBytes: limits.memoryBytes })
  }
  if (unknown) {
    return reason.cases.Uncertain.make({ detail: ending.doubt ?? "the engine has not learnt how it ended" })
  }
  if (!signaled) return reason.cases.Exited.make({ code: ending.exitCode })
  if (ending.doubt !== undefined) return reason.cases.Uncertain.make({ detail: ending.doubt })
  return reason.cases.Signaled.make({ signal })
}
