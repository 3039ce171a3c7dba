/** The hub, as this configuration reaches it: which way in, over which TLS, and where its files are. */
import { Effect, Layer } from "effect"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { layerFilesClient } from "../hub/HubClient.ts"
import { HubFiles } from "../hub/HubFiles.ts"
import type { SessionOptions } from "../hub/HubSession.ts"
import { proxyOf, sessionBy, wayText } from "../hub/WayIn.ts"
import { proxyWords, readProxies } from "../koji/Proxies.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import { fullHostName } from "./HostName.ts"
import { sessionOptions } from "./Settings.ts"
import { chooseWay } from "./Ways.ts"

/**
 * A session of this kind, the hub's files, and the client that those are fetched with, each by itself. Fails before
 * anything has been sent when the configuration knows no way in, or a file that belongs to it cannot serve.
 */
export const hubLayers = Effect.fn("hubLayers")(function* (
  config: DaemonConfigValues,
  options: SessionOptions,
  environment: Readonly<Record<string, string | undefined>>
) {
  const { kojid, topUrls } = config
  const way = yield* chooseWay(kojid, fullHostName)
  const entrance = { server: kojid.server, authorities: kojid.serverca, verify: !kojid.no_ssl_verify }
  const { session, server, tls, proxy } = yield* sessionBy(way, entrance, options, environment)
  yield* proxyOf(topUrls[0], environment)
  const filesClient = layerFilesClient(tls, readProxies(environment))
  const files = HubFiles.layer({ topUrl: topUrls[0], topDirectory: kojid.topdir }).pipe(Layer.provide(filesClient))
  return { way, server, proxy, session, files, filesClient }
})

/** What the daemon has of the hub: its session, exclusive, and its files. */
export const hubLayer = (
  config: DaemonConfigValues,
  force: boolean,
  environment: Readonly<Record<string, string | undefined>>
) =>
  Effect.gen(function* () {
    const { way, server, proxy, session, files } = yield* hubLayers(config, sessionOptions(config, force), environment)
    const { cert } = config.kojid
    yield* Effect.log(`the hub is ${withoutPassword(server)}, the way in ${wayText(way)}`)
    if (proxy !== undefined) yield* Effect.log(`it is reached through ${proxyWords(proxy)}`)
    if (cert !== null && way._tag !== "Certificate") yield* Effect.logWarning(`cert: there is no file ${cert}`)
    return Layer.merge(session, files)
  })
