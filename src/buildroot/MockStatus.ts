/** How a command ended, as mock and kojid would have seen it end. */
import type { ExitReason } from "../engine/ContainerSpec.ts"

/**
 * How a command ended, in mock's terms: a status, or a signal; with a word on the limit that ended it
 * (tasks.md 2A exit codes, 14.1).
 */
export type MockStatus =
  | { readonly _tag: "Status"; readonly status: number; readonly detail: string }
  | { readonly _tag: "Signal"; readonly signal: number; readonly detail: string }

export const failedStatus = (status: MockStatus): boolean => status._tag === "Signal" || status.status !== 0

const signalKill = 9
/** mock's status for a command that ran into `rpmbuild_timeout`. */
const statusTimeout = 11

export const mockStatus = (reason: ExitReason): MockStatus => {
  switch (reason._tag) {
    case "Exited":
      return { _tag: "Status", status: reason.code, detail: "" }
    case "Signaled":
      return { _tag: "Signal", signal: reason.signal, detail: "" }
    case "OutOfMemory":
      return { _tag: "Signal", signal: signalKill, detail: `memory limit of ${reason.memoryBytes} bytes reached` }
    case "LimitReached":
      switch (reason.limit) {
        case "wall":
          return { _tag: "Status", status: statusTimeout, detail: `time limit of ${reason.value} seconds reached` }
        case "silence":
          return { _tag: "Status", status: statusTimeout, detail: `no output for ${reason.value} seconds` }
        case "output":
          return { _tag: "Signal", signal: signalKill, detail: `log limit of ${reason.value} bytes reached` }
        case "disk":
          return { _tag: "Signal", signal: signalKill, detail: `disk budget of ${reason.value} bytes exceeded` }
        case "space":
          return {
            ...{ _tag: "Signal", signal: signalKill },
            detail: `fewer than ${reason.value} bytes were left on the builder's disk`
          }
      }
      break
    case "Uncertain":
      return { _tag: "Status", status: 20, detail: reason.detail }
  }
}
