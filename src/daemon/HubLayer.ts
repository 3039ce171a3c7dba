/** The hub, as this configuration reaches it: which way in, over which TLS, and where its files are. */
import { Effect, Layer, Schema } from "effect"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import type { KojidOptions } from "../config/KojidOptions.ts"
import { layerFilesClient, layerHubClient } from "../hub/HubClient.ts"
import { HubFiles } from "../hub/HubFiles.ts"
import { HubSession, type SessionOptions } from "../hub/HubSession.ts"
import { HubTransport } from "../hub/HubTransport.ts"
import { certificateLogin, kerberosLogin, type Login, overTls, passwordLogin } from "../hub/Login.ts"
import { layerNegotiating } from "../hub/Negotiate.ts"
import { readTlsFiles } from "../hub/TlsFiles.ts"
import { type Proxy, proxyFor, proxyWords, readProxies } from "../koji/Proxies.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import { fullHostName } from "./HostName.ts"
import { sessionOptions } from "./Settings.ts"
import { chooseWay, type Way } from "./Ways.ts"

/** The environment names a proxy that is none. */
export class BadProxy extends Schema.TaggedError<BadProxy>()("BadProxy", { message: Schema.String }) {}

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
  const tls = yield* readTlsFiles({
    certificate: way._tag === "Certificate" ? way.file : null,
    authorities: kojid.serverca,
    verify: !kojid.no_ssl_verify
  })
  const proxies = readProxies(environment)
  const [proxy] = yield* Effect.forEach([serverOf(way, kojid.server), topUrls[0]], (url) =>
    URL.canParse(url) ? Effect.fromResult(proxyFor(proxies, new URL(url))) : Effect.succeed(undefined)
  ).pipe(Effect.mapError((message) => new BadProxy({ message })))
  const session = HubSession.layerLogin(loginOf(way), options).pipe(
    Layer.provide(transportOf(way, kojid, proxy, environment)),
    Layer.provide(layerHubClient(tls, proxies))
  )
  const filesClient = layerFilesClient(tls, proxies)
  const files = HubFiles.layer({ topUrl: topUrls[0], topDirectory: kojid.topdir }).pipe(Layer.provide(filesClient))
  return { way, proxy, session, files, filesClient }
})

/** What the daemon has of the hub: its session, exclusive, and its files. */
export const hubLayer = (
  config: DaemonConfigValues,
  force: boolean,
  environment: Readonly<Record<string, string | undefined>>
) =>
  Effect.gen(function* () {
    const { way, proxy, session, files } = yield* hubLayers(config, sessionOptions(config, force), environment)
    const { server, cert } = config.kojid
    yield* Effect.log(`the hub is ${withoutPassword(serverOf(way, server))}, the way in ${wayText(way)}`)
    if (proxy !== undefined) yield* Effect.log(`it is reached through ${proxyWords(proxy)}`)
    if (cert !== null && way._tag !== "Certificate") yield* Effect.logWarning(`cert: there is no file ${cert}`)
    return Layer.merge(session, files)
  })

const wayText = (way: Way): string => {
  switch (way._tag) {
    case "Certificate":
      return `the certificate in ${way.file}`
    case "Password":
      return `the password of ${way.user}`
    case "Kerberos":
      return `Kerberos as ${way.principal}`
  }
}

/** Certificates and Kerberos go over TLS only, whatever is configured. */
const serverOf = (way: Way, server: string): string => (way._tag === "Password" ? server : overTls(server))

const loginOf = (way: Way): Login => {
  switch (way._tag) {
    case "Certificate":
      return certificateLogin(way.file)
    case "Password":
      return passwordLogin(way.user, way.password)
    case "Kerberos":
      return kerberosLogin(way.principal)
  }
}

/** What curl is to know of our own environment: where programs are, and how Kerberos is configured. */
const passedOn = ["PATH", "KRB5_CONFIG", "KRB5_TRACE"]

const transportOf = (
  way: Way,
  kojid: KojidOptions,
  proxy: Proxy | undefined,
  environment: Readonly<Record<string, string | undefined>>
) => {
  const { serverca, no_ssl_verify } = kojid
  const server = serverOf(way, kojid.server)
  const plain = HubTransport.layerHttp(server)
  if (way._tag !== "Kerberos") return plain
  return layerNegotiating(server, {
    principal: way.principal,
    keytab: way.keytab,
    cache: way.cache,
    authorities: serverca,
    verify: serverca !== null || !no_ssl_verify,
    proxy,
    environment: Object.fromEntries(passedOn.map((name) => [name, environment[name]]))
  }).pipe(Layer.provide(plain))
}
