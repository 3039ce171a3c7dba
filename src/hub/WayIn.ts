/** From a way in to a session at the hub: the login, the TLS and the proxy that belong to it. */
import { Effect, Layer, type Redacted, Result, Schema } from "effect"
import { proxyFor, readProxies } from "../koji/Proxies.ts"
import { layerHubClient } from "./HubClient.ts"
import { HubSession, type SessionOptions } from "./HubSession.ts"
import { HubTransport } from "./HubTransport.ts"
import { certificateLogin, kerberosLogin, type Login, overTls, passwordLogin } from "./Login.ts"
import { type KerberosCredentials, layerNegotiating } from "./Negotiate.ts"
import { readTlsFiles } from "./TlsFiles.ts"

export type Way =
  | { readonly _tag: "Certificate"; readonly file: string }
  | { readonly _tag: "Password"; readonly user: string; readonly password: Redacted.Redacted }
  | ({ readonly _tag: "Kerberos" } & KerberosCredentials)
  /** By Kerberos, with the tickets of whoever runs this. */
  | { readonly _tag: "Tickets" }

export interface Entrance {
  readonly server: string
  /** The file of `serverca`; null for the authorities of the machine. */
  readonly authorities: string | null
  readonly verify: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** The environment names a proxy that is none. */
export class BadProxy extends Schema.TaggedError<BadProxy>()("BadProxy", { message: Schema.String }) {}

/** The proxy that the environment has for this URL. */
export const proxyOf = (url: string, environment: Environment) => {
  if (!URL.canParse(url)) return Effect.succeed(undefined)
  const found = proxyFor(readProxies(environment), new URL(url))
  return Result.isSuccess(found) ? Effect.succeed(found.success) : Effect.fail(new BadProxy({ message: found.failure }))
}

/**
 * A session by this way, and what is known of it beforehand. Fails before anything has been sent when a file that
 * belongs to it cannot serve.
 */
export const sessionBy = Effect.fn("sessionBy")(function* (
  way: Way,
  entrance: Entrance,
  options: SessionOptions,
  environment: Environment
) {
  const server = serverOf(way, entrance.server)
  const { authorities, verify } = entrance
  const tls = yield* readTlsFiles({ certificate: way._tag === "Certificate" ? way.file : null, authorities, verify })
  const proxy = yield* proxyOf(server, environment)
  const plain = HubTransport.layerHttp(server)
  const negotiation = { authorities, verify: tls.verify, proxy }
  const transport =
    way._tag === "Kerberos"
      ? layerNegotiating(server, { ...negotiation, credentials: way, environment: passed(environment, passedOn) })
      : way._tag === "Tickets"
        ? layerNegotiating(server, { ...negotiation, credentials: null, environment: passed(environment, ticketsOf) })
        : undefined
  const session = HubSession.layerLogin(loginOf(way), options).pipe(
    Layer.provide(transport === undefined ? plain : Layer.provide(transport, plain)),
    Layer.provide(layerHubClient(tls, readProxies(environment)))
  )
  return { session, server, tls, proxy }
})

export const wayText = (way: Way): string => {
  switch (way._tag) {
    case "Certificate":
      return `the certificate in ${way.file}`
    case "Password":
      return `the password of ${way.user}`
    case "Kerberos":
      return `Kerberos as ${way.principal}`
    case "Tickets":
      return "Kerberos, with the tickets that are there"
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
    case "Tickets":
      return kerberosLogin("you")
  }
}

/** What curl is to know of our own environment: where programs are, and how Kerberos is configured. */
const passedOn = ["PATH", "KRB5_CONFIG", "KRB5_TRACE"]
/** And where somebody's tickets are. */
const ticketsOf = [...passedOn, "HOME", "KRB5CCNAME", "KRB5_CLIENT_KTNAME"]

const passed = (environment: Environment, names: ReadonlyArray<string>): Environment =>
  Object.fromEntries(names.map((name) => [name, environment[name]]))
