/**
 * How this builder gets in at the hub, chosen as kojid chooses (daemon.md 2.4): by certificate if its file exists, else
 * by password if there is a user, else by Kerberos. What can be seen to be missing is told here, before anybody is asked.
 */
import { readFile, rm, stat } from "node:fs/promises"
import { Effect, Schema } from "effect"
import { isFile } from "../config/ConfigFiles.ts"
import type { KojidOptions } from "../config/KojidOptions.ts"
import { keytabPrincipals } from "../hub/Keytab.ts"
import type { Way } from "../hub/WayIn.ts"

/** The configuration knows no way in. */
export class NoWayIn extends Schema.TaggedError<NoWayIn>()("NoWayIn", { message: Schema.String }) {}
const noWayIn = (message: string) => new NoWayIn({ message })

/** `fullHostName` is asked for only when a principal is made of it. */
export const chooseWay = Effect.fn("chooseWay")(function* (options: KojidOptions, fullHostName: Effect.Effect<string>) {
  const { cert, user, password } = options
  if (cert !== null && (yield* isFile(cert))) return { _tag: "Certificate", file: cert } satisfies Way
  const noFile = cert === null ? "cert is not set" : `the file of cert, ${cert}, is not there`
  if (user === null) return yield* kerberos(options, `${noFile}, user is not set`, fullHostName)
  if (password !== null) return { _tag: "Password", user, password } satisfies Way
  return yield* noWayIn(`no way to log in: ${noFile}, and user is ${user}, but password is not set in [kojid]`)
})

const kerberos = Effect.fnUntraced(function* (
  { krb_principal, host_principal_format, keytab, ccache: cache }: KojidOptions,
  others: string,
  fullHostName: Effect.Effect<string>
) {
  const principal = krb_principal ?? host_principal_format.replace("%s", yield* fullHostName)
  const ifUnknown = "set krb_principal, or host_principal_format"
  const way: Way = { _tag: "Kerberos", principal, keytab, cache, ifUnknown }
  // With a ticket that somebody else keeps fresh, no keytab is needed.
  if (yield* hasTickets(cache)) return way
  yield* checkKeytab(keytab, principal, {
    missing: `no way to log in: ${others}, and for Kerberos there is neither ${keytab} (keytab) nor a ticket in ${cache} (ccache)`,
    advice: "set krb_principal or host_principal_format, or get the keytab of this host"
  })
  return way
})

/** That the file holds a key of the principal; what to say if there is no file, and to do if it holds those of others. */
export const checkKeytab = Effect.fnUntraced(function* (
  keytab: string,
  principal: string,
  { missing, advice }: { readonly missing: string; readonly advice: string }
) {
  const read = yield* Effect.promise(() =>
    readFile(keytab).then(
      (bytes) => ({ bytes }),
      (cause: NodeJS.ErrnoException) => ({ code: cause.code })
    )
  )
  if ("code" in read) {
    return yield* noWayIn(
      read.code === "ENOENT"
        ? missing
        : `${keytab} (keytab) cannot be read (${read.code}): look at whom the file belongs to`
    )
  }
  const known = keytabPrincipals(read.bytes)
  if (known === undefined) return yield* noWayIn(`${keytab} (keytab) is damaged, or no keytab: ask for it again`)
  if (!known.some((one) => one === principal || one.startsWith(`${principal}@`))) {
    return yield* noWayIn(
      `${keytab} (keytab) has no key of ${principal}, but of ${known.join(", ") || "nobody"}: ${advice}`
    )
  }
})

/** An empty file breaks the login and is nobody's; kojid takes it away too. */
const hasTickets = (cache: string) =>
  Effect.promise(async () => {
    const size = await stat(cache).then(
      (found) => found.size,
      () => 0
    )
    if (size === 0) await rm(cache, { force: true }).catch(() => undefined)
    return size > 0
  })
