/** What an end that nobody asked for means to the hub: which fault it is, if it is one at all. */

import { Cause, Option } from "effect"
import { isNoSpace } from "../buildroot/Workspace.ts"
import { type KojiFault, otherError, type TaskFailure } from "../koji/Fault.ts"

/**
 * The fault of a program that ended like this; null when the task goes back to the hub instead (given back, refused, or
 * interrupted). A defect is a fault with code 1 and the whole trace, like every exception that kojid does not know
 * (tasks.md 1.4); but for a full disk, which says nothing of the task: it goes on where there is room.
 */
export const faultOf = (cause: Cause.Cause<TaskFailure>): KojiFault | null => {
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (noSpace(cause) !== undefined) return null
  if (Cause.hasDies(cause) || (failure === undefined && !Cause.hasInterruptsOnly(cause))) {
    return otherError(Cause.pretty(cause))
  }
  return failure?._tag === "KojiFault" ? failure : null
}

/** What the builder could not write for want of space, if that is what a program ended of. */
export const noSpace = (cause: Cause.Cause<TaskFailure>): string | undefined => {
  for (const reason of cause.reasons) {
    if (!Cause.isDieReason(reason)) continue
    const { defect } = reason
    if (isNoSpace(defect)) return `the builder's disk is full: ${defect.message}`
  }
  return undefined
}
