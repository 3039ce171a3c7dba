/** `adjutant check`, put together; apart from `main.ts`, so that other commands load nothing of it. */
import { Effect, Result } from "effect"
import { type DaemonConfigValues, idleText } from "./config/DaemonConfig.ts"
import { hubLayers } from "./daemon/HubLayer.ts"
import * as DockerEngine from "./engine/DockerEngine.ts"
import { Engine } from "./engine/Engine.ts"
import { findEngine } from "./findEngine.ts"
import * as NodeDisk from "./journal/NodeDisk.ts"
import { holderOf } from "./journal/StateLock.ts"
import { kernelArch } from "./koji/Machine.ts"
import { withoutPassword } from "./koji/ScmUrl.ts"
import { mailServer } from "./mail/MailServer.ts"
import { type EngineFacts, engineFindings } from "./preflight/EngineFindings.ts"
import { type Finding, ok, warning } from "./preflight/Finding.ts"
import { hubFindings } from "./preflight/HubFindings.ts"
import { lookAtHub } from "./preflight/HubLook.ts"
import {
  directoryFinding,
  secretFiles,
  secretFinding,
  selinuxFinding,
  volumeFinding
} from "./preflight/PlaceFindings.ts"
import {
  askFor,
  connectTo,
  isEnforcing,
  lookAtDirectory,
  lookAtSecrets,
  lookAtTopDirectory,
  lookAtVolume
} from "./preflight/PlaceLook.ts"
import { mailFinding, topDirectoryFinding, topUrlFinding } from "./preflight/TreeFindings.ts"

/** Nobody waits for a hub that is away as long as a daemon does. */
const impatience = { retriesMax: 1, intervalSeconds: 1, offlineIntervalSeconds: 0, timeoutSeconds: 30 }

type Environment = Readonly<Record<string, string | undefined>>

/** All there is to say of a builder of this configuration. `pull` fetches the tools image if it is not there. */
export const checking = (environment: Environment) => (config: DaemonConfigValues, pull: boolean) =>
  Effect.scoped(check(config, pull, environment)).pipe(Effect.withSpan("checking"))

const check = Effect.fnUntraced(function* (config: DaemonConfigValues, pull: boolean, environment: Environment) {
  const { kojid, adjutant } = config
  const engine = yield* lookAtEngine(config, pull)
  const access = yield* Effect.result(hubLayers(config, { exclusive: "none", retries: impatience }, environment))
  const hub = Result.isSuccess(access)
    ? yield* lookAtOurHub(config, access.success)
    : ({ _tag: access.failure._tag === "BadProxy" ? "BadProxy" : "NoWay", message: access.failure.message } as const)
  const info = engine._tag === "Answers" ? engine.info : null
  const sample = hub._tag === "In" ? hub.sample : null
  const [topUrl] = config.topUrls
  const makesRepos = hub._tag === "In" ? (hub.host?.channels.some(({ name }) => name === "createrepo") ?? false) : null
  const top = yield* lookAtTopDirectory(kojid.topdir, sample)
  const volumes = [adjutant.state_dir, adjutant.log_dir, ...(info === null ? [] : [info.dataRoot])]
  const { cert, keytab } = kojid
  const secrets = yield* lookAtSecrets(secretFiles(config.provenance, { cert, keytab }))
  const served = Result.isSuccess(access)
    ? [
        topUrlFinding(
          withoutPassword(topUrl),
          sample,
          yield* Effect.provide(askFor(topUrl, sample ?? "repos/"), access.success.filesClient)
        )
      ]
    : []
  const findings: ReadonlyArray<Finding> = [
    ...config.warnings.map((text) => warning("config", text, "see `adjutant config`")),
    ...idleText(config.idle).map((text) => ok("config", text)),
    ...secrets.map(secretFinding),
    ...engineFindings(engine),
    selinuxFinding(yield* isEnforcing, info?.selinux ?? null, adjutant.selinux),
    ...hubFindings(hub, kernelArch(info?.architecture ?? process.arch)),
    ...served,
    topDirectoryFinding({ ...top, makesRepos }),
    directoryFinding(yield* lookAtDirectory("state_dir", adjutant.state_dir, true)),
    directoryFinding(yield* lookAtDirectory("log_dir", adjutant.log_dir, false)),
    ...(yield* Effect.forEach(volumes, lookAtVolume)).map((volume) => volumeFinding(volume, kojid.minspace)),
    mailFinding(kojid.smtphost, yield* lookAtMailServer(config))
  ]
  return findings
})

const lookAtEngine = Effect.fnUntraced(function* ({ adjutant }: DaemonConfigValues, pull: boolean) {
  const found = yield* Effect.result(findEngine(adjutant))
  if (Result.isFailure(found)) return { _tag: "Silent", message: found.failure.message } satisfies EngineFacts
  const { socketPath, info } = found.success
  const { tools_image: reference, pull_policy: pullPolicy } = adjutant
  const tools = yield* Effect.gen(function* () {
    const engine = yield* Engine
    const image = yield* engine.inspectImage(reference).pipe(Effect.map((known) => known ?? null))
    if (image !== null || !pull) return { reference, image, refusal: null }
    const pulled = yield* engine.ensureImage(reference, {
      ...{ policy: pullPolicy, architecture: info.architecture },
      ...{ timeoutSeconds: adjutant.pull_timeout, inactivitySeconds: adjutant.pull_inactivity_timeout }
    })
    return { reference, image: pulled, refusal: null }
  }).pipe(
    Effect.catch(({ message }) => Effect.succeed({ reference, image: null, refusal: message })),
    Effect.provide(DockerEngine.layer({ socketPath }), { local: true })
  )
  return { _tag: "Answers", socketPath, info, tools, pullPolicy } satisfies EngineFacts
})

const lookAtOurHub = Effect.fnUntraced(function* (
  { kojid, adjutant }: DaemonConfigValues,
  { session, proxy }: Pick<Effect.Success<ReturnType<typeof hubLayers>>, "session" | "proxy">
) {
  // No state directory, or one that is not ours, is nobody's place of work.
  const holder = yield* holderOf(adjutant.state_dir).pipe(
    Effect.provide(NodeDisk.layer),
    Effect.orElseSucceed(() => undefined)
  )
  return yield* lookAtHub(withoutPassword(kojid.server), session, {
    byUs: holder !== undefined,
    proxy: proxy?.variable ?? null
  })
})

const lookAtMailServer = Effect.fnUntraced(function* ({ kojid, provenance }: DaemonConfigValues) {
  if ((provenance.get("smtphost")?._tag ?? "Default") === "Default") return null
  const { host, port } = mailServer(kojid.smtphost)
  return yield* connectTo(host, port)
})
