/**
 * A real Kerberos server on loopback, with a realm, keys and configuration of its own: MIT's, from Debian's krb5-kdc and
 * krb5-admin-server.
 */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { until } from "../e2e/until.ts"
import { freePort } from "./Apache.ts"

export const realm = "ADJUTANT.TEST"

export interface Kdc {
  /** `KRB5_CONFIG`, for whoever is to know this realm. */
  readonly config: string
  /** Makes a principal with a key that nobody knows. */
  readonly add: (principal: string) => void
  readonly remove: (principal: string) => void
  /** New keys for principals, in a keytab; those they had before are of no use from then on. Returns the path. */
  readonly keytab: (name: string, ...principals: ReadonlyArray<string>) => string
}

export interface KdcOptions {
  readonly directory: string
  /** How far its clock is from the others'. */
  readonly clock?: string
}

export const startKdc = ({ directory, clock }: KdcOptions) =>
  Effect.gen(function* () {
    if (!existsSync("/usr/sbin/krb5kdc")) {
      return yield* Effect.die(new Error("no krb5kdc: run scripts/test, or install krb5-kdc and krb5-admin-server"))
    }
    const at = (name: string) => join(directory, name)
    const port = yield* freePort
    writeFileSync(at("krb5.conf"), clientConfiguration(port))
    writeFileSync(at("kdc.conf"), serverConfiguration(port, at))
    const env = { ...process.env, KRB5_CONFIG: at("krb5.conf"), KRB5_KDC_PROFILE: at("kdc.conf") }
    const run = (program: string, ...args: ReadonlyArray<string>) =>
      execFileSync(program, args, { env, stdio: ["ignore", "pipe", "pipe"] })
    run("/usr/sbin/kdb5_util", "create", "-s", "-r", realm, "-P", "master")
    const admin = (query: string) => run("/usr/sbin/kadmin.local", "-r", realm, "-q", query)
    const [program, ...before] = clock === undefined ? [] : ["faketime", "-f", clock]
    const kdc = ["/usr/sbin/krb5kdc", "-n", "-r", realm]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const [command = "", ...args] = program === undefined ? kdc : [program, ...before, ...kdc]
        // A group of its own: what shifts the clock stays between us and the KDC, and does not hand signals on.
        return spawn(command, args, { env, stdio: "ignore", detached: true })
      }),
      (running) =>
        Effect.promise(
          () =>
            new Promise<void>((resolve) => {
              if (running.exitCode !== null || running.signalCode !== null) return resolve()
              running.on("close", () => resolve())
              if (running.pid !== undefined) process.kill(-running.pid, "SIGTERM")
            })
        )
    )
    const log = () => (existsSync(at("kdc.log")) ? readFileSync(at("kdc.log"), "utf8") : "")
    yield* until("the KDC to listen", log, () => {
      if (child.exitCode !== null) throw new Error(`the KDC left with ${child.exitCode}:\n${log()}`)
      return log().includes("commencing operation") || undefined
    })
    return {
      config: at("krb5.conf"),
      add: (principal) => void admin(`addprinc -randkey ${principal}`),
      remove: (principal) => void admin(`delprinc -force ${principal}`),
      keytab: (name, ...principals) => {
        for (const principal of principals) admin(`ktadd -k ${at(name)} ${principal}`)
        return at(name)
      }
    } satisfies Kdc
  })

/** No name is looked up anywhere, and no clock is mended in secret. */
const clientConfiguration = (port: number): string => `[libdefaults]
  default_realm = ${realm}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  kdc_timesync = 0
  udp_preference_limit = 1
[realms]
  ${realm} = {
    kdc = 127.0.0.1:${port}
  }
[domain_realm]
  localhost = ${realm}
  127.0.0.1 = ${realm}
`

const serverConfiguration = (port: number, at: (name: string) => string): string => `[kdcdefaults]
  kdc_listen = 127.0.0.1:${port}
  kdc_tcp_listen = 127.0.0.1:${port}
[realms]
  ${realm} = {
    database_name = ${at("principal")}
    key_stash_file = ${at("stash")}
    supported_enctypes = aes256-cts-hmac-sha1-96:normal
    default_principal_flags = +preauth
  }
[logging]
  kdc = FILE:${at("kdc.log")}
`
