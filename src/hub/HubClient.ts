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
import { Effect, Layer, Redacted } from "effect"
import { HttpClient, type HttpClientError } from "effect/http"
import { loginTarget } from "./Login.ts"
import type { TlsMaterial } from "./TlsFiles.ts"

/** For calls and uploads. */
export const layerHubClient = (tls: TlsMaterial): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const calls = yield* clientOf(tls, trustedByHub(tls))
      if (tls.identity === null) return calls
      const logins = yield* clientOf(tls, trustedByHub(tls), "TLSv1.2")
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
export const layerFilesClient = (tls: TlsMaterial): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.suspend(() => clientOf(tls, [...(tls.authorities ?? []), ...systemAuthorities()]))
  )

const trustedByHub = (tls: TlsMaterial) => tls.authorities ?? systemAuthorities()

/** Those of the machine, as for kojid; Node's own list is for machines that have none. */
const systemAuthorities = (): ReadonlyArray<string> => {
  const system = getCACertificates("system")
  return system.length > 0 ? system : getCACertificates("bundled")
}

const clientOf = (
  { identity, verify }: TlsMaterial,
  authorities: ReadonlyArray<string>,
  maxVersion: SecureVersion = "TLSv1.3"
) =>
  Effect.gen(function* () {
    // Made once: to read the system's authorities again for each connection would take longer than the connection.
    const secureContext = createSecureContext({
      ca: [...authorities],
      maxVersion,
      ...(identity === null ? {} : { cert: identity.certificates, key: Redacted.value(identity.key) })
    })
    // Koji's clients speak HTTP/1.1, and renegotiation is not allowed in HTTP/2.
    const dispatcher = yield* NodeHttpClient.makeDispatcherOptions({
      allowH2: false,
      connect: { secureContext, rejectUnauthorized: verify }
    })
    return yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
  })

/** The server speaks nothing as old as TLS 1.2. */
const wantsNewer = ({ reason }: HttpClientError.HttpClientError): boolean => {
  const cause = "cause" in reason ? reason.cause : undefined
  return cause instanceof Error && /PROTOCOL_VERSION/.test("code" in cause ? String(cause.code) : "")
}
