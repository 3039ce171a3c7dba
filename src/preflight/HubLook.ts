/**
 * Looks at the hub through a session that takes nothing from anybody: not the exclusive one, so that a daemon that is
 * at work goes on. While one is, the hub answers no other session of its user, and that is what is found.
 */
import { Clock, Effect, type Layer } from "effect"
import { adviceOn } from "../daemon/HubAdvice.ts"
import { findHost, hostsOfUser, listChannels } from "../hub/calls/hosts.ts"
import { getRepo } from "../hub/calls/repos.ts"
import { getKojiVersion, getSessionInfo } from "../hub/calls/session.ts"
import { getBuildTargets } from "../hub/calls/tags.ts"
import { getLoggedInUser, hostUserType } from "../hub/calls/users.ts"
import { type HubError, HubNonsense } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { faultCodes } from "../koji/Fault.ts"
import { safeComponent } from "../koji/Paths.ts"
import type { HostEntry, HubFacts } from "./HubFindings.ts"

/** So many targets are asked for a repository that could be looked for in the hub's tree. */
const targetsMax = 5

interface Circumstances {
  /** The daemon of this host is at work. */
  readonly byUs: boolean
  /** The variable that names a proxy on the way. */
  readonly proxy: string | null
}

/** `R` is what the session needs of the network. */
export const lookAtHub = <R>(server: string, session: Layer.Layer<HubSession, HubError, R>, around: Circumstances) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    return yield* inSession(server, before).pipe(
      Effect.provide(session, { local: true }),
      Effect.catch((error) => Effect.succeed(refused(server, error, around)))
    )
  }).pipe(Effect.scoped)

const inSession = Effect.fnUntraced(function* (server: string, before: number) {
  const after = yield* Clock.currentTimeMillis
  const info = yield* getSessionInfo()
  const user = yield* getLoggedInUser()
  if (user === null) {
    return yield* new HubNonsense({ method: "getLoggedInUser", message: "the hub has forgotten who logged in" })
  }
  const facts: HubFacts = {
    _tag: "In",
    server,
    version: yield* getKojiVersion().pipe(Effect.orElseSucceed(() => null)),
    user: { name: user.name, isHost: user.usertype === hostUserType },
    host: yield* hostOf(user.id),
    // The session began at some time in between, by the hub's clock.
    aheadSeconds: info === null ? null : info.start_ts - (before + after) / 2000,
    sample: yield* sampleFile.pipe(Effect.orElseSucceed(() => null))
  }
  return facts
})

const hostOf = Effect.fnUntraced(function* (userID: number) {
  const [host] = yield* hostsOfUser(userID)
  if (host === undefined) return null
  // A listing has fewer members on some hubs; the entry itself is the same everywhere.
  const { id, name, enabled, arches, capacity } = (yield* findHost(host.id)) ?? host
  const channels = yield* listChannels({ hostID: id })
  return {
    ...{ name, enabled, arches, capacity },
    channels: channels.map((channel) => ({ name: channel.name, enabled: channel.enabled ?? true }))
  } satisfies HostEntry
})

/** A file that must be in the hub's tree, below its top: the description of some ready repository. */
const sampleFile = Effect.gen(function* () {
  const targets = yield* getBuildTargets()
  for (const { build_tag, build_tag_name: tag } of targets.slice(0, targetsMax)) {
    const repo = yield* getRepo(build_tag)
    if (repo !== null) return `repos/${yield* Effect.fromResult(safeComponent(tag))}/${repo.id}/repo.json`
  }
  return null
})

const refused = (server: string, error: HubError, { byUs, proxy }: Circumstances): HubFacts => {
  switch (error._tag) {
    case "HubFault":
      return error.code === faultCodes.AuthLockError
        ? { _tag: "Held", server, byUs }
        : { _tag: "Refused", server, message: `${error.method}: ${error.message}`, advice: adviceOn(error) ?? null }
    case "HubUnavailable":
      return { _tag: "Silent", server, message: error.message, proxy: error.isUntrusted === true ? null : proxy }
    case "HubNonsense":
      // Somebody answered: the message says what.
      return { _tag: "Silent", server, message: `${error.method}: ${error.message}`, proxy: null }
  }
}
