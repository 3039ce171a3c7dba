/** Koji's enumerations, which travel as numbers and are spoken of by name (daemon.md 0.1). */

/** The number of each state; `assigned` is 4 and `failed` 5. */
export const taskStates = { FREE: 0, OPEN: 1, CLOSED: 2, CANCELED: 3, ASSIGNED: 4, FAILED: 5 } as const
export type TaskState = keyof typeof taskStates

export const buildStates = { BUILDING: 0, COMPLETE: 1, DELETED: 2, FAILED: 3, CANCELED: 4 } as const
export type BuildState = keyof typeof buildStates

/** kojid never sets WAITING. */
export const buildrootStates = { INIT: 0, WAITING: 1, BUILDING: 2, EXPIRED: 3 } as const
export type BuildrootState = keyof typeof buildrootStates

export const repoStates = { INIT: 0, READY: 1, EXPIRED: 2, DELETED: 3, PROBLEM: 4 } as const
export type RepoState = keyof typeof repoStates

const nameIn =
  <Name extends string>(states: Readonly<Record<Name, number>>) =>
  (state: number): Name | undefined => {
    for (const name in states) if (states[name] === state) return name
    return undefined
  }

/** The name of a state; undefined for a number that Koji does not have. */
export const taskStateName = nameIn(taskStates)
export const buildStateName = nameIn(buildStates)
export const buildrootStateName = nameIn(buildrootStates)
export const repoStateName = nameIn(repoStates)

/** Nothing more happens to a task in one of these. */
export const isFinished = (state: number): boolean =>
  state === taskStates.CLOSED || state === taskStates.CANCELED || state === taskStates.FAILED

/** A task's priority unless someone says otherwise; a lower number is more urgent (daemon.md 0.2). */
export const defaultPriority = 20
