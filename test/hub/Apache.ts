/**
 * A real Apache in front of the embedded hub, as hubs have one: TLS, client certificates or Kerberos, and what it finds
 * out said in headers. It runs on loopback as a child of the test, from Debian's apache2-bin, which brings the program
 * and its modules and starts nothing.
 */
import { spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { Effect } from "effect"
import { until } from "../e2e/until.ts"
import type { Issued } from "./Certificates.ts"

const program = "/usr/sbin/apache2"
const modules = "/usr/lib/apache2/modules"

/** One that was free a moment ago: Apache cannot be asked to take any. */
export const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

export interface ApacheOptions {
  /** Its own, for files of all kinds. */
  readonly directory: string
  readonly server: Issued
  /** The authorities that client certificates are taken from. */
  readonly clientAuthorities: string
  /** The embedded hub's port. */
  readonly hubPort: number
  /** For the whole server. */
  readonly directives?: ReadonlyArray<string>
  /** Inside `<Location /kojihub/ssllogin>`. */
  readonly atLogin?: ReadonlyArray<string>
  readonly extraModules?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
}

/** The rule of Koji's documentation, in which only a login is asked for a certificate. */
export const stockRule = ["SSLVerifyClient require", "SSLVerifyDepth 10"]

export const startApache = (options: ApacheOptions) =>
  Effect.gen(function* () {
    if (!existsSync(program))
      return yield* Effect.die(new Error("no apache2: run scripts/test, or install apache2-bin"))
    const port = yield* freePort
    const at = (name: string) => join(options.directory, name)
    writeFileSync(at("apache.conf"), configuration(options, port, at))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(program, ["-d", options.directory, "-f", at("apache.conf"), "-D", "FOREGROUND"], {
          stdio: ["ignore", "ignore", "pipe"],
          env: { ...process.env, ...options.environment }
        })
      ),
      (running) =>
        Effect.promise(
          () =>
            new Promise<void>((resolve) => {
              if (running.exitCode !== null) return resolve()
              running.on("close", () => resolve())
              running.kill("SIGTERM")
            })
        )
    )
    let said = ""
    child.stderr.on("data", (bytes) => {
      said += String(bytes)
    })
    const log = () => `${said}${existsSync(at("error.log")) ? readFileSync(at("error.log"), "utf8") : ""}`
    yield* until("Apache to listen", log, () => {
      if (child.exitCode !== null) throw new Error(`Apache left with ${child.exitCode}:\n${log()}`)
      return log().includes("resuming normal operations") || undefined
    })
    return {
      port,
      log,
      /** `path protocol verified`, a line a request. */
      requests: () =>
        readFileSync(at("access.log"), "utf8")
          .split("\n")
          .filter((line) => line !== "")
    }
  })

const basicModules = [
  ...["mpm_event", "authn_core", "authz_core", "authz_user", "ssl", "socache_shmcb"],
  ...["headers", "proxy", "proxy_http"]
]

const configuration = (options: ApacheOptions, port: number, at: (name: string) => string): string => {
  const { server, clientAuthorities, hubPort, directives = [], atLogin = [], extraModules = [] } = options
  const lines = [
    ...[...basicModules, ...extraModules].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    "ServerName localhost",
    `Listen 127.0.0.1:${port} https`,
    `PidFile ${at("apache.pid")}`,
    `DefaultRuntimeDir ${options.directory}`,
    "Mutex sem",
    "StartServers 1",
    "ServerLimit 2",
    "ThreadsPerChild 8",
    "MaxRequestWorkers 16",
    "LogLevel info",
    `ErrorLog ${at("error.log")}`,
    `CustomLog ${at("access.log")} "%U %{SSL_PROTOCOL}x %{SSL_CLIENT_VERIFY}x"`,
    "SSLEngine on",
    "SSLSessionCache none",
    `SSLCertificateFile ${server.certificate}`,
    `SSLCertificateKeyFile ${server.key}`,
    `SSLCACertificateFile ${clientAuthorities}`,
    'RequestHeader set X-SSL-Client-Verify "%{SSL_CLIENT_VERIFY}s"',
    'RequestHeader set X-SSL-Client-S-DN-CN "%{SSL_CLIENT_S_DN_CN}s"',
    "RequestHeader unset X-Remote-User",
    ...directives,
    `ProxyPass /kojihub http://127.0.0.1:${hubPort}/kojihub`,
    `ProxyPass /kojifiles http://127.0.0.1:${hubPort}/kojifiles`,
    "<Location /kojihub/ssllogin>",
    ...atLogin.map((line) => `  ${line}`),
    "</Location>"
  ]
  return `${lines.join("\n")}\n`
}
