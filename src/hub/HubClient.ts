/**
 * The HTTP clients that talk to a hub over TLS, and why a login by certificate needs one of its own.
 *
 * The stock rule of a hub's Apache asks for the certificate at `/ssllogin` only: when it has read which place is meant,
 * the handshake is long over. In TLS 1.2 it then renegotiates. In TLS 1.3 it would ask "after the handshake", which
 * Node cannot answer, and says 403. So the login speaks TLS 1.2, unless the server does not; what follows speaks what
 * both like best. A server that asks in the first handshake is content with either.
 */
import { createSecureContext, getCACertificates, type SecureVersion } from "node:tls"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Redacted, Result, Scope } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import { type ProxySettings, proxyFor } from "../koji/Proxies.ts"
import { loginTarget } from "./Login.ts"
import { failureOf, throughProxy } from "./ThroughProxy.ts"
import type { TlsMaterial } from "./TlsFiles.ts"

/** For calls and uploads. */
export const layerHubClient = (tls: TlsMaterial, proxies: ProxySettings): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const trusted = () => tls.authorities ?? systemAuthorities()
      const calls = yield* clientOf(tls, proxies, trusted)
      if (tls.identity === null) return calls
      const logins = yield* clientOf(tls, proxies, trusted, "TLSv1.2")
      return HttpClient.make((request, url) =>
        url.pathname.endsWith(loginTarget)
          ? Effect.catchIf(logins.execute(request), wantsNewer, () => calls.execute(request))
          : calls.execute(request)
      )
    })
  )

/**
 * For the hub's file tree. kojid fetches from there with the system's authorities, `serverca` or not, so both count:
 * the tree may be served from elsewhere.
 */
export const layerFilesClient = (tls: TlsMaterial, proxies: ProxySettings): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    clientOf(tls, proxies, () => trustedForFiles(tls))
  )

/** In PEM, each by itself. */
export const trustedForFiles = (tls: TlsMaterial): ReadonlyArray<string> => [
  ...(tls.authorities ?? []),
  ...systemAuthorities()
]

/**
 * Those of the machine, as for kojid, and those of NODE_EXTRA_CA_CERTS; Node's own list is for machines that have none.
 * Each is there several times.
 */
const systemAuthorities = (): ReadonlyArray<string> => {
  const system = getCACertificates("system")
  return [...new Set([...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")])]
}

/**
 * A client that gets its TLS ready when there is something to say over it: the system's authorities are many. Each
 * request goes through the proxy that the environment has for its URL.
 */
const clientOf = (
  tls: TlsMaterial,
  proxies: ProxySettings,
  authorities: () => ReadonlyArray<string>,
  maxVersion?: SecureVersion
) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const once = <A>(make: Effect.Effect<A, never, Scope.Scope>) =>
      make.pipe(Scope.provide(scope), Effect.uninterruptible, Effect.cached)
    const options = yield* once(Effect.sync(() => tlsOf(tls, authorities(), maxVersion)))
    /** The client's certificate is for the hub: no proxy is shown it. */
    const proxyOptions = yield* once(Effect.sync(() => tlsOf({ ...tls, identity: null }, authorities())))
    const direct = {
      plain: yield* once(over(undefined)),
      secure: yield* once(Effect.flatMap(options, over))
    }
    /** One for each proxy; of them there are two at most. */
    const proxied = new Map<string, Effect.Effect<HttpClient.HttpClient>>()
    return HttpClient.make((request, url) => {
      const chosen = proxyFor(proxies, url)
      if (Result.isFailure(chosen)) {
        const cause = new Error(chosen.failure)
        return Effect.fail(
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
        )
      }
      const proxy = chosen.success
      if (proxy === undefined) {
        return Effect.flatMap(url.protocol === "https:" ? direct.secure : direct.plain, (client) =>
          client.execute(request)
        )
      }
      return Effect.gen(function* () {
        const known = proxied.get(proxy.variable)
        const toProxy = proxy.address.startsWith("https:") ? proxyOptions : Effect.succeed(undefined)
        const made = Effect.flatMap(Effect.all([options, toProxy]), (ready) => throughProxy(proxy, ...ready))
        const client = known ?? (yield* once(made))
        proxied.set(proxy.variable, client)
        return yield* (yield* client).execute(request)
      })
    })
  })

const tlsOf = ({ identity, verify }: TlsMaterial, authorities: ReadonlyArray<string>, maxVersion?: SecureVersion) => ({
  // Made once, not for each connection.
  secureContext: createSecureContext({
    ca: [...authorities],
    ...(maxVersion === undefined ? {} : { maxVersion }),
    ...(identity === null ? {} : { cert: identity.certificates, key: Redacted.value(identity.key) })
  }),
  rejectUnauthorized: verify
})

export type TlsOptions = ReturnType<typeof tlsOf>

const over = (connect: TlsOptions | undefined) =>
  Effect.gen(function* () {
    // Koji's clients speak HTTP/1.1, and renegotiation is not allowed in HTTP/2.
    const dispatcher = yield* NodeHttpClient.makeDispatcherOptions({
      allowH2: false,
      ...(connect === undefined ? {} : { connect })
    })
    return yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
  })

/** The server speaks nothing as old as TLS 1.2. */
const wantsNewer = (error: HttpClientError.HttpClientError): boolean => {
  const { cause } = failureOf(error)
  return cause instanceof Error && /PROTOCOL_VERSION/.test("code" in cause ? String(cause.code) : "")
}
