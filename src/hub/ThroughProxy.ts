/**
 * Requests that go through a proxy: of a hub's that is spoken to over TLS, the proxy only passes bytes on (`CONNECT`);
 * one that is not, the proxy asks itself. Of what goes wrong on the way it is told that a proxy was on it.
 */
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Redacted } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import { type Proxy, proxyWords } from "../koji/Proxies.ts"
import type { TlsOptions } from "./HubClient.ts"

/** What went wrong, and the proxy that was on the way. */
export class ThroughProxy extends Error {
  readonly proxy: string
  constructor(proxy: Proxy, cause: unknown) {
    super(`through ${proxyWords(proxy)}: ${wordsOf(cause)}`, { cause })
    this.name = "ThroughProxy"
    this.proxy = proxyWords(proxy)
  }
}

/** What a request failed of, and the words for the proxy that was on its way, if one was. */
export const failureOf = ({ reason }: HttpClientError.HttpClientError): { cause: unknown; through: string } => {
  const cause = "cause" in reason ? reason.cause : undefined
  return cause instanceof ThroughProxy
    ? { cause: cause.cause, through: ` through ${cause.proxy}` }
    : { cause, through: "" }
}

/** A client whose every request goes through the proxy; `toProxy` is for one that is itself spoken to over TLS. */
export const throughProxy = (proxy: Proxy, toHub: TlsOptions, toProxy: TlsOptions | undefined) =>
  Effect.gen(function* () {
    // Loaded where it is wanted: it is large, and most have no proxy.
    const { ProxyAgent } = yield* Effect.promise(() => import("@effect/platform-node/Undici"))
    const { authorization } = proxy
    const agent = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new ProxyAgent({
            uri: proxy.address,
            allowH2: false,
            ...(authorization === null ? {} : { token: Redacted.value(authorization) }),
            requestTls: toHub,
            ...(toProxy === undefined ? {} : { proxyTls: toProxy })
          })
      ),
      (made) => Effect.promise(() => made.destroy())
    )
    const client = yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, agent)
    return HttpClient.transformResponse(
      client,
      Effect.mapError((error) => (HttpClientError.isHttpClientError(error) ? told(error, proxy) : error))
    )
  })

const told = (error: HttpClientError.HttpClientError, proxy: Proxy): HttpClientError.HttpClientError => {
  const { reason } = error
  if (reason._tag !== "TransportError") return error
  const cause = new ThroughProxy(proxy, reason.cause)
  return new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request: reason.request, cause })
  })
}

/** What is at the bottom of it. */
const wordsOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.cause instanceof Error) return wordsOf(cause.cause)
  if (cause instanceof AggregateError && cause.message === "") return wordsOf(cause.errors[0])
  return cause.message || cause.name
}
