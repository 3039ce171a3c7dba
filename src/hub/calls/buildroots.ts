/** Calls about buildroots (tasks.md 2.6, 2.12). */
import { Schema } from "effect"
import { BuildrootRow } from "../shapes/Build.ts"
import type { Struct } from "../Value.ts"
import { call, callOnce, perform } from "./call.ts"

export const newBuildRoot = (repo: number, arch: string, taskId: number) =>
  callOnce(Schema.Int, "host.newBuildRoot", [repo, arch], { task_id: taskId })

/** INIT to BUILDING to EXPIRED; to expire again is no error. */
export const setBuildRootState = (id: number, state: "BUILDING" | "EXPIRED") =>
  perform("host.setBuildRootState", [id, state])

/** What was installed at init; only in state INIT. */
export const setBuildRootList = (id: number, packages: ReadonlyArray<Struct>) =>
  perform("host.setBuildRootList", [id, packages])
/** What is installed after the build; only in state BUILDING. */
export const updateBuildRootList = (id: number, packages: ReadonlyArray<Struct>) =>
  perform("host.updateBuildRootList", [id, packages])

/** By any of these; `state` as numbers (INIT 0, WAITING 1, BUILDING 2, EXPIRED 3). */
export interface BuildrootFilter {
  readonly hostID?: number
  readonly taskID?: number
  readonly buildrootID?: ReadonlyArray<number>
  readonly state?: ReadonlyArray<number>
}

/** What the hub has been told is installed, one row a package. */
export const getBuildrootListing = (id: number) => call(Schema.Array(Schema.Json), "getBuildrootListing", [id])

export const listBuildroots = (filter: BuildrootFilter) =>
  call(Schema.Array(BuildrootRow), "listBuildroots", [], { ...filter })
