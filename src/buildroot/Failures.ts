/** How a failed buildroot step is worded: kojid's texts, since scripts and people match on them (tasks.md 2.7, 17). */
import { Effect } from "effect"
import { mockSentence } from "../koji/FailureText.ts"
import { buildError, buildrootError } from "../koji/Fault.ts"
import type { MockStatus } from "./ContainerSteps.ts"
import { KojiLogs } from "./KojiLogs.ts"

/** ‹M›: what mock did, why if it was a limit of ours, and which log to read. */
export const sentence = (status: MockStatus): string =>
  mockSentence(
    status._tag === "Status" ? { _tag: "Exited", status: status.status } : { _tag: "Signaled", signal: status.signal },
    status.detail
  )

const told = (status: MockStatus) =>
  Effect.gen(function* () {
    const logs = yield* KojiLogs
    if (status.detail !== "") {
      yield* logs.append(["root.log", "build.log", "mock_output.log"], `ERROR adjutant:  ${status.detail}\n`)
    }
  })

export const initFailed = Effect.fnUntraced(function* (status: MockStatus) {
  yield* told(status)
  return yield* buildrootError(`could not init mock buildroot, ${sentence(status)}`)
})

export const buildFailed = Effect.fnUntraced(function* (arch: string | null, status: MockStatus) {
  yield* told(status)
  return yield* buildError(`error building package (arch ${arch ?? "None"}), ${sentence(status)}`)
})

export const sourceFailed = Effect.fnUntraced(function* (status: MockStatus) {
  yield* told(status)
  return yield* buildError(`error building srpm, ${sentence(status)}`)
})
