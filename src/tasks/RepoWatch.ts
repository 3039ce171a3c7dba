/**
 * Repositories that are new enough: asking for one, telling whether one will do, and waiting for it (tasks.md 1.12,
 * 4.2; daemon.md 4.14).
 */
import { Clock, Effect, Result, Schema } from "effect"
import { hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { checkRepoRequest, repoInfo, requestRepo, WithoutTag } from "../hub/calls/repos.ts"
import { getTag, listTagged, tagLastChangeEvent } from "../hub/calls/tags.ts"
import type { HubError } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import { genericError, type TaskFailure } from "../koji/Fault.ts"
import { type Nvr, parseNvr } from "../koji/Nvr.ts"
import { subtask, waitFor } from "./Subtasks.ts"
import type { TaskContext } from "./Task.ts"

/** What a repository must have. */
export interface Wanted {
  readonly tagId: number
  readonly tagName: string
  readonly minEvent: number | null
  readonly nvrs: ReadonlyArray<string>
}

/** kojid's pause between two looks, and the end of its patience. */
const pauseSeconds = 60
const patienceMinutes = 120

/** NVRs by their parts. Fails with GenericError for text that is none. */
export const parseNvrs = (nvrs: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Nvr>, TaskFailure> =>
  Effect.forEach(nvrs, (nvr) => {
    const parsed = parseNvr(nvr)
    return Result.isSuccess(parsed) ? Effect.succeed(parsed.success) : Effect.fail(parsed.failure)
  })

/** Whether all of these builds are in the tag, now or as of an event. */
const allTagged = Effect.fnUntraced(function* (tagId: number, nvrs: ReadonlyArray<string>, event: number | null) {
  for (const { name, version, release } of yield* parseNvrs(nvrs)) {
    const tagged = yield* listTagged(tagId, { event, package: name, inherit: true })
    if (!tagged.some((build) => build.version === version && build.release === release)) return false
  }
  return true
})

const satisfies = Effect.fnUntraced(function* (repo: Repo, wanted: Wanted) {
  if (repo.tag_id !== wanted.tagId) return false
  if (wanted.minEvent !== null && repo.create_event < wanted.minEvent) return false
  return yield* allTagged(wanted.tagId, wanted.nvrs, repo.create_event)
})

/** The repository a task builds from: one that is there, or the result of a `waitrepo` child. */
export const getRepo = Effect.fn("getRepo")(function* (
  task: TaskContext,
  tagId: number,
  nvrs: ReadonlyArray<string>,
  wait: boolean
) {
  const asked = yield* hubStep("repo/request", AskedFor, askForRepo(tagId, nvrs, wait))
  if (asked.repo !== null) return asked.repo
  const { tagName, minEvent, newerThan } = asked
  const child = yield* subtask(task, {
    method: "waitrepo",
    arguments: newerThan === undefined ? [tagName, null, nvrs, minEvent] : olderArguments(tagName, newerThan, nvrs),
    label: null
  })
  const results = yield* waitFor(task, "waitrepo", [child], true)
  const made = yield* Schema.decodeUnknownEffect(Made)(results.get(child)).pipe(
    Effect.mapError((error) => genericError(`waitrepo task ${child} returned no repository: ${error.message}`))
  )
  return "tag_id" in made ? made : yield* hubStep("repo/made", Repo, repoInfo(made.id))
})

const Made = Schema.Union([Schema.toCodecJson(Repo), WithoutTag])

const AskedFor = Schema.Struct({
  repo: Schema.NullOr(Repo),
  tagName: Schema.String,
  minEvent: Schema.NullOr(Schema.Int),
  /** On a hub before 1.35, whose builders know times in place of events: how new it must be. */
  newerThan: Schema.optionalKey(Schema.NullOr(Schema.Finite))
})

/** The builders of such a hub take either builds or a time. */
const olderArguments = (tagName: string, newerThan: number | null, nvrs: ReadonlyArray<string>) =>
  nvrs.length > 0 ? [tagName, null, nvrs] : [tagName, newerThan, null]

const askForRepo = Effect.fnUntraced(function* (tagId: number, nvrs: ReadonlyArray<string>, wait: boolean) {
  const tag = yield* getTag(tagId)
  const minEvent = wait ? yield* tagLastChangeEvent(tag.id, Effect.succeed("unknown" as const)) : null
  if (minEvent === "unknown") {
    const newerThan = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    return { repo: null, tagName: tag.name, minEvent: null, newerThan }
  }
  const wanted: Wanted = { tagId: tag.id, tagName: tag.name, minEvent, nvrs }
  const none = { repo: null, tagName: tag.name, minEvent }
  const ready = yield* allTagged(tag.id, nvrs, null).pipe(Effect.catchTag(notOurs, () => Effect.succeed(false)))
  if (!ready) {
    // What the child is told depends on the age of such a hub's builders, and nothing else has shown it yet.
    const age = wait ? minEvent : yield* tagLastChangeEvent(tag.id, Effect.succeed("unknown" as const))
    return age === "unknown" ? { ...none, newerThan: null } : none
  }
  const asked = yield* requestRepo(tag.id, { minEvent })
  const { repo, request } = asked
  const good =
    repo !== null && (yield* satisfies(repo, wanted).pipe(Effect.catchTag(notOurs, () => Effect.succeed(false))))
  if (good) return { ...none, repo }
  return "isOlder" in asked
    ? { ...none, newerThan: null }
    : { ...none, minEvent: minEvent ?? request?.min_event ?? null }
})

/** A bad NVR is told by the `waitrepo` child, as kojid does. */
const notOurs = ["KojiFault", "RefuseTask", "GiveBack"] as const

/** Waits until the hub has a repository that will do. The whole wait is one step; its deadline is from its start. */
export const watchRepo = Effect.fn("watchRepo")(function* (wanted: Wanted) {
  const door = yield* Door
  const started = yield* door.step({ path: "started", rule: "repeat" }, Schema.Int, Clock.currentTimeMillis)
  return yield* door.step(
    { path: "watch", rule: "repeat", input: { tag: wanted.tagId, minEvent: wanted.minEvent, nvrs: [...wanted.nvrs] } },
    Schema.toCodecJson(Repo),
    watch(wanted, started).pipe(
      Effect.catchTag(["HubFault", "HubUnavailable", "HubNonsense"], (e) => Effect.fail(hubFailure(e)))
    )
  )
})

const watch = (wanted: Wanted, started: number): Effect.Effect<Repo, TaskFailure | HubError, HubSession> =>
  Effect.gen(function* () {
    let minEvent = wanted.minEvent
    if (wanted.nvrs.length > 0) {
      while (!(yield* allTagged(wanted.tagId, wanted.nvrs, null))) {
        yield* pause(
          started,
          (elapsed) =>
            `Unsuccessfully waited ${elapsed} for ${inWords(wanted.nvrs)} to appear in the ${wanted.tagName} repo`
        )
      }
      minEvent = yield* tagLastChangeEvent(wanted.tagId, Effect.succeed(minEvent))
    }
    for (;;) {
      const asked = yield* requestRepo(wanted.tagId, { minEvent })
      if (asked.repo !== null && (yield* satisfies(asked.repo, { ...wanted, minEvent }))) return asked.repo
      if (asked.request !== null) {
        minEvent ??= asked.request.min_event
        const made = yield* follow(asked.request.id, wanted, started)
        if (yield* satisfies(made, { ...wanted, minEvent })) return made
      } else yield* pause(started, (elapsed) => timedOut(elapsed, wanted))
      minEvent = yield* tagLastChangeEvent(wanted.tagId, Effect.succeed(minEvent))
    }
  })

const follow = Effect.fnUntraced(function* (request: number, wanted: Wanted, started: number) {
  for (;;) {
    const answer = yield* checkRepoRequest(request)
    if (answer.repo !== null) return answer.repo
    if (!answer.request.active) return yield* genericError("Repo request no longer active")
    yield* pause(started, (elapsed) => timedOut(elapsed, wanted))
  }
})

const timedOut = (elapsed: string, wanted: Wanted) =>
  `Unsuccessfully waited ${elapsed} for a new ${wanted.tagName} repo`

/**
 * kojid looks once a minute; a first short while of quicker looks costs a handful of cheap calls and saves most of a
 * minute where the repository is nearly there.
 */
const pause = Effect.fnUntraced(function* (started: number, message: (elapsed: string) => string) {
  const elapsed = Math.floor(((yield* Clock.currentTimeMillis) - started) / 1000)
  if (elapsed > patienceMinutes * 60) {
    return yield* genericError(message(`${Math.floor(elapsed / 60)}:${String(elapsed % 60).padStart(2, "0")}`))
  }
  yield* Effect.sleep(`${elapsed < 2 * pauseSeconds ? 3 : pauseSeconds} seconds`)
})

/** `a`, `a and b`, `a, b, and c`. */
const inWords = (names: ReadonlyArray<string>): string =>
  names.length < 3 ? names.join(" and ") : `${names.slice(0, -1).join(", ")}, and ${names.at(-1)}`
