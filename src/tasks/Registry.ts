/** The task types this worker runs; everything else is refused, so that the hub gives it to another. */
import { taskWeight } from "../koji/Weights.ts"
import { build } from "./Build.ts"
import { buildArch } from "./BuildArch.ts"
import { buildNotification } from "./BuildNotification.ts"
import { createRepo } from "./CreateRepo.ts"
import { dependantTask } from "./DependantTask.ts"
import { newRepo } from "./NewRepo.ts"
import { rebuildSrpm } from "./RebuildSrpm.ts"
import { restart, restartHosts, restartVerify, shutdown } from "./Restart.ts"
import { sleep } from "./Sleep.ts"
import { tagBuild } from "./TagBuild.ts"
import { tagNotification } from "./TagNotification.ts"
import type { TaskType } from "./Task.ts"
import { defaultTask, fork, someMethod, subtask, waitTest } from "./TestTasks.ts"
import { waitRepo } from "./WaitRepo.ts"

const types: ReadonlyArray<TaskType> = [
  { method: "build", handler: build, tagOf: null },
  { method: "rebuildSRPM", handler: rebuildSrpm, tagOf: (given) => plainValue(given["build_tag"]) },
  { method: "buildArch", handler: buildArch, tagOf: (given) => plainValue(given["root"]) },
  { method: "tagBuild", handler: tagBuild, tagOf: null },
  { method: "waitrepo", handler: waitRepo, tagOf: null },
  { method: "newRepo", handler: newRepo, tagOf: null },
  { method: "createrepo", handler: createRepo, tagOf: null },
  { method: "buildNotification", handler: buildNotification, tagOf: null },
  { method: "tagNotification", handler: tagNotification, tagOf: null },
  { method: "restartHosts", handler: restartHosts, tagOf: null },
  { method: "restart", handler: restart, tagOf: null, foreground: true, restarts: true },
  { method: "restartVerify", handler: restartVerify, tagOf: null, foreground: true },
  { method: "shutdown", handler: shutdown, tagOf: null, foreground: true },
  { method: "dependantTask", handler: dependantTask, tagOf: null },
  { method: "sleep", handler: sleep, tagOf: null },
  { method: "fork", handler: fork, tagOf: null },
  { method: "subtask", handler: subtask, tagOf: null },
  { method: "waittest", handler: waitTest, tagOf: null },
  { method: "someMethod", handler: someMethod, tagOf: null, foreground: true },
  { method: "default", handler: defaultTask, tagOf: null }
]

const plainValue = (value: Parameters<NonNullable<TaskType["tagOf"]>>[0][string] | undefined) => value ?? null

const byMethod = new Map(types.map((type) => [type.method, type]))

export const taskType = (method: string): TaskType | undefined => byMethod.get(method)

/** What the hub is told that we handle. */
export const methods: ReadonlyArray<string> = types.map((type) => type.method)

/** What a task weighs when it is opened. */
export const weightOf = taskWeight
