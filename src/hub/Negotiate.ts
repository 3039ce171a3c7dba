/**
 * The login by Kerberos: one POST with HTTP Negotiate, made by curl (adr/0015). Every other request is plain: the
 * session's headers are all that the hub wants from then on (daemon.md 2.4).
 *
 * What Kerberos reads from the environment is in curl's environment and in nobody else's. What is secret (the session's
 * key, at a renewal) goes to curl through its standard input and is on no command line.
 */
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Effect, Layer, Redacted, Result, type Scope } from "effect"
import { type Proxy, proxyWords } from "../koji/Proxies.ts"
import { type HubRequest, HubTransport, TransportError, webServerSays } from "./HubTransport.ts"
import { kerberosTrouble, ticketTrouble } from "./KerberosTrouble.ts"
import { loginTarget } from "./Login.ts"
import type { Answer } from "./Value.ts"
import { decodeAnswer } from "./XmlRpcDecoder.ts"
import { encodeCall } from "./XmlRpcEncoder.ts"

/** Who logs in, and with what. */
export interface KerberosCredentials {
  readonly principal: string
  readonly keytab: string
  /** The file that tickets are kept in. */
  readonly cache: string
  /** What to do when Kerberos does not know the principal. */
  readonly ifUnknown: string
}

export interface Negotiation {
  /** Null for the tickets that the environment leads to, and whoever they are of. */
  readonly credentials: KerberosCredentials | null
  /** As for every other request: the file of `serverca`, and whether the hub's certificate is looked at. */
  readonly authorities: string | null
  readonly verify: boolean
  readonly proxy: Proxy | undefined
  /** What else curl and Kerberos may go by. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The way to a hub on which logins go by Kerberos, and all else as the transport below has it. */
export const layerNegotiating = (server: string, negotiation: Negotiation) =>
  Layer.effect(
    HubTransport,
    Effect.map(HubTransport, (plain) =>
      HubTransport.of({
        exchange: (request) =>
          request.target === loginTarget
            ? Effect.scoped(negotiate(`${server}${request.target}`, request, negotiation))
            : plain.exchange(request)
      })
    )
  )

/** For the whole of it; the login's own limit is shorter. */
const secondsMax = 120
const outputBytesMax = 4 * 1024 * 1024

const negotiate = Effect.fnUntraced(function* (
  url: string,
  request: HubRequest,
  negotiation: Negotiation
): Effect.fn.Return<Answer, TransportError, Scope.Scope> {
  const { credentials } = negotiation
  const own = credentials === null ? {} : yield* environmentOf(credentials)
  const { code, stdout, stderr } = yield* runCurl(configuration(url, request, negotiation), {
    ...negotiation.environment,
    LC_ALL: "C",
    ...own
  })
  if (code !== 0) return yield* notReached(code, stderr, negotiation)
  const end = stdout.lastIndexOf("\n")
  const status = Number(stdout.slice(end + 1))
  if (status === 401) return yield* notKnown(stderr, new URL(url).hostname, negotiation)
  if (status !== 200) return yield* webServerSays(status, request)
  const decoded = decodeAnswer(stdout.slice(0, Math.max(end, 0)))
  if (Result.isSuccess(decoded)) return decoded.success
  return yield* passing(`the hub's answer cannot be read: ${decoded.failure.message}`)
})

const environmentOf = (credentials: KerberosCredentials) =>
  Effect.map(homeOf(credentials), (home) => ({
    HOME: home,
    KRB5_CLIENT_KTNAME: credentials.keytab,
    KRB5CCNAME: `FILE:${credentials.cache}`
  }))

/**
 * A home directory in which Kerberos reads that this principal is meant, whatever the keytab holds besides. It is made
 * beside the tickets, where a daemon must be able to write anyway, and goes with the scope.
 */
const homeOf = ({ principal, cache }: KerberosCredentials) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const home = await mkdtemp(join(dirname(cache), "adjutant-login-"))
        await writeFile(join(home, ".k5identity"), `${principal}\n`, { mode: 0o600 })
        return home
      },
      catch: (cause) => refused(`cannot write beside ${cache} (ccache): ${String(cause)}`)
    }),
    (home) => Effect.promise(() => rm(home, { recursive: true, force: true })).pipe(Effect.ignoreCause)
  )

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const runCurl = (input: string, environment: Negotiation["environment"]): Effect.Effect<Ended, TransportError> =>
  Effect.callback<Ended, TransportError>((resume) => {
    const child = execFile(
      "curl",
      // Whatever stands in a .curlrc is not meant for us.
      ["--disable", "--config", "-"],
      { env: { ...environment }, timeout: secondsMax * 1000, maxBuffer: outputBytesMax, encoding: "utf8" },
      (error, stdout, stderr) => {
        if (error === null) return resume(Effect.succeed({ code: 0, stdout, stderr }))
        if (error.code === "ENOENT") return resume(Effect.fail(refused("curl is not installed, and Kerberos needs it")))
        const code = typeof error.code === "number" ? error.code : noAnswer
        return resume(Effect.succeed({ code, stdout, stderr }))
      }
    )
    child.stdin?.on("error", () => undefined).end(input)
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** curl's number for a server that did not answer in time. */
const noAnswer = 28

/** What curl is to do, in the language of its configuration files. */
const configuration = (url: string, request: HubRequest, { authorities, verify, proxy }: Negotiation): string => {
  const { content } = request
  const body = content._tag === "Call" ? encodeCall(content.call) : ""
  const headers = { "Content-Type": "text/xml", "User-Agent": "koji/1", Expect: "", ...request.headers }
  const options: ReadonlyArray<readonly [name: string, value?: string]> = [
    ["url", url],
    ["negotiate"],
    ["user", ":"],
    ["http1.1"],
    ["silent"],
    ["show-error"],
    // The only place where curl says why Kerberos failed.
    ["verbose"],
    ...(proxy === undefined ? ([["noproxy", "*"]] as const) : ([["proxy", Redacted.value(proxy.url)]] as const)),
    ["connect-timeout", "60"],
    ...(authorities === null
      ? []
      : ([
          ["cacert", authorities],
          ["proxy-cacert", authorities]
        ] as const)),
    ...(verify ? [] : ([["insecure"], ["proxy-insecure"]] as const)),
    ...Object.entries(headers).map(
      ([name, value]) => ["header", `${name}:${value === "" ? "" : ` ${value}`}`] as const
    ),
    ["data-binary", body],
    ["write-out", "\\n%{http_code}"]
  ]
  return options.map(([name, value]) => (value === undefined ? name : `${name} = ${quoted(value)}`)).join("\n")
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" }
const quoted = (text: string): string => `"${text.replace(/[\\"\n\r\t]/g, (found) => escapes[found] ?? found)}"`

const refused = (message: string) => new TransportError({ outlook: "refused", message })
const passing = (message: string) => new TransportError({ outlook: "pass", message })

/** curl's exit codes for what concerns a certificate: the hub's, or that of a proxy that speaks TLS itself. */
const untrusted: ReadonlyArray<number> = [35, 51, 60, 77]
/** And for what may be over in a while. */
const mayPass: ReadonlyArray<number> = [5, 6, 7, 16, 18, noAnswer, 52, 55, 56]

const notReached = (code: number, stderr: string, { proxy }: Negotiation): TransportError => {
  const said = stderr.split("\n").findLast((line) => line.startsWith("curl: ")) ?? `curl ended with ${code}`
  const through = proxy === undefined ? "" : ` through ${proxyWords(proxy)}`
  if (untrusted.includes(code)) {
    const message = proxy?.address.startsWith("https:")
      ? `the certificate of the hub, or that of ${proxyWords(proxy)}, does not hold: look at serverca, and at both names`
      : `the hub's certificate does not hold${through}: look at serverca, and at the name in server`
    return new TransportError({ outlook: "untrusted", message: `${message} (${said})` })
  }
  return mayPass.includes(code)
    ? passing(`cannot reach the hub${through}: ${said}`)
    : refused(`the login failed: ${said}`)
}

/** The web server does not know who we are: because Kerberos would not vouch for us, or because it does not care. */
const notKnown = (stderr: string, host: string, { credentials }: Negotiation): TransportError => {
  const [, said] = /^\* *gss_\w+\(\) failed: *(.*)$/m.exec(stderr) ?? []
  const principal = credentials?.principal ?? "you"
  if (said === undefined) {
    const advice = credentials === null ? `is there a key of HTTP/${host}?` : `does its keytab hold HTTP/${host}?`
    return refused(`the web server has not accepted ${principal} (HTTP status 401): ${advice}`)
  }
  const words = said.replace(/\s+/g, " ").trim()
  const trouble = credentials === null ? ticketTrouble(words, host) : kerberosTrouble(words, { ...credentials, host })
  return trouble === undefined
    ? refused(`Kerberos has not logged ${principal} in: ${words}`)
    : new TransportError(trouble)
}
