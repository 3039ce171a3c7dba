/** How a failed buildroot step is worded: kojid's texts, since scripts and people match on them (tasks.md 2.7, 17). */
import { mockSentence } from "../koji/FailureText.ts"
import { buildError, buildrootError } from "../koji/Fault.ts"
import type { MockStatus } from "./MockStatus.ts"

/** ‹M›: what mock did, which log to read, and a limit of ours if it was one. */
const sentence = (status: MockStatus): string =>
  mockSentence(
    status._tag === "Status" ? { _tag: "Exited", status: status.status } : { _tag: "Signaled", signal: status.signal },
    status.detail
  )

export const initFault = (status: MockStatus) => buildrootError(`could not init mock buildroot, ${sentence(status)}`)

export const buildFault = (arch: string | null, status: MockStatus) =>
  buildError(`error building package (arch ${arch ?? "None"}), ${sentence(status)}`)

export const sourceFault = (status: MockStatus) => buildError(`error building srpm, ${sentence(status)}`)
