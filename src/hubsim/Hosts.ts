/** Builder hosts: what they can do, and what they last said of themselves. */
import { Effect, Result, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { parseArches } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonStr } from "../koji/PythonRepr.ts"
import { asText, isList } from "./Arguments.ts"
import { assertPermission, Call } from "./Call.ts"
import { atEvent, Flag, orNull, rowOf } from "./Database.ts"
import { method } from "./Method.ts"
import { byNameOrId, getId } from "./NameOrId.ts"
import { findUser, getUser, userTypes } from "./Users.ts"

/** `getHost`'s members (daemon.md 3.4). */
const HostInfo = Schema.Struct({
  id: Schema.Int,
  user_id: Schema.Int,
  name: Schema.String,
  update_ts: orNull(Schema.Finite),
  ready: Flag,
  task_load: Schema.Finite,
  arches: orNull(Schema.String),
  capacity: Schema.Finite,
  description: orNull(Schema.String),
  comment: orNull(Schema.String),
  enabled: Flag
})
export type HostInfo = typeof HostInfo.Type
const readHost = rowOf(HostInfo)

export const findHost = Effect.fnUntraced(function* (info: Value, event: number | null = null) {
  const { db } = yield* Call
  const { clause, value } = yield* byNameOrId("host_info", info)
  return db.first(readHost, `SELECT * FROM host_info WHERE ${clause} AND ${atEvent(event)}`, value)
})

export const getHost = Effect.fnUntraced(function* (info: Value, event: number | null = null) {
  const host = yield* findHost(info, event)
  return host === undefined ? yield* genericError(`Invalid hostInfo: ${pythonStr(info)}`) : host
})

interface HostFilter {
  readonly channel?: number | null
  readonly ready?: boolean | null
  readonly enabled?: boolean | null
  readonly user?: number | null
}

export const listHosts = ({ channel = null, ready = null, enabled = null, user = null }: HostFilter) =>
  Effect.map(Call, ({ db }) =>
    db.all(
      readHost,
      `SELECT * FROM host_info WHERE revoke_event IS NULL AND (?1 IS NULL OR ready = ?1)
        AND (?2 IS NULL OR enabled = ?2) AND (?3 IS NULL OR user_id = ?3) AND (?4 IS NULL OR id IN
        (SELECT host_id FROM host_channels WHERE channel_id = ?4 AND revoke_event IS NULL)) ORDER BY id`,
      ready,
      enabled,
      user,
      channel
    )
  )

/** Adds a host, and the user it logs in as; it begins in channel `default` (daemon.md 4.1a). */
export const addHost = Effect.fnUntraced(function* (name: string, arches: ReadonlyArray<string>, force: boolean) {
  const { db, event } = yield* Call
  const parsed = parseArches(arches.join(" "))
  if (Result.isFailure(parsed)) return yield* parsed.failure
  if ((yield* findHost(name)) !== undefined) return yield* genericError(`host already exists: ${name}`)
  const user = yield* findUser(name)
  if (user !== undefined && user.usertype !== userTypes.HOST) {
    if (!force) return yield* genericError(`user ${name} already exists and it is not a host`)
    db.run("UPDATE users SET usertype = ? WHERE id = ?", userTypes.HOST, user.id)
  }
  const userId = user?.id ?? db.insert("users", { name, usertype: userTypes.HOST })
  const host = db.insert("host", { user_id: userId, name })
  db.insert("host_config", { host_id: host, arches: parsed.success.join(" "), create_event: event() })
  db.insert("host_channels", { host_id: host, channel_id: yield* getId("channels", "default"), create_event: event() })
  return host
})

/** Replaces a host's configuration by one that differs in these members. */
export const editHost = Effect.fnUntraced(function* (
  id: number,
  changes: { readonly enabled?: boolean; readonly capacity?: number; readonly arches?: string }
) {
  const { db, event } = yield* Call
  const { arches, capacity, description, comment, enabled } = yield* getHost(id)
  db.run("UPDATE host_config SET revoke_event = ? WHERE host_id = ? AND revoke_event IS NULL", event(), id)
  db.insert("host_config", {
    ...{ host_id: id, arches, capacity, description, comment, enabled, create_event: event() },
    ...changes
  })
})

/** A filter for hosts that have one of these words among their arches. */
const withArch = Effect.fnUntraced(function* (arches: Value) {
  if (arches === null) return () => true
  const wanted = yield* Effect.forEach(isList(arches) ? arches : [arches], asText)
  if (wanted.length === 0) return yield* genericError("arches option cannot be empty")
  return (host: HostInfo) => (host.arches ?? "").split(" ").some((arch) => wanted.includes(arch))
})

const setEnabled = (enabled: boolean) =>
  Effect.fnUntraced(function* (name: string) {
    yield* assertPermission("host")
    yield* editHost((yield* getHost(name)).id, { enabled })
  })

export const hostMethods = [
  method(
    "getHost",
    "get_host(hostInfo, strict=False, event=None)",
    Effect.fnUntraced(function* (given) {
      const [info, event] = [given.value("hostInfo"), yield* given.intOrNull("event")]
      return yield* given.truth("strict") ? getHost(info, event) : findHost(info, event)
    })
  ),
  method(
    "listHosts",
    "RootExports.listHosts(arches=None, channelID=None, ready=None, enabled=None, userID=None, queryOpts=None)",
    Effect.fnUntraced(function* (given) {
      const channel = given.value("channelID")
      const user = given.value("userID")
      const fits = yield* withArch(given.value("arches"))
      const hosts = yield* listHosts({
        channel: channel === null ? null : yield* getId("channels", channel),
        ready: given.truthOrNull("ready"),
        enabled: given.truthOrNull("enabled"),
        user: user === null ? null : (yield* getUser(user)).id
      })
      return hosts.filter(fits)
    })
  ),
  method(
    "addHost",
    "RootExports.addHost(hostname, arches, krb_principal=None, force=False)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("host")
      return yield* addHost(yield* given.text("hostname"), yield* given.texts("arches"), given.truth("force"))
    })
  ),
  method("enableHost", "RootExports.enableHost(hostname)", (given) =>
    Effect.flatMap(given.text("hostname"), setEnabled(true))
  ),
  method("disableHost", "RootExports.disableHost(hostname)", (given) =>
    Effect.flatMap(given.text("hostname"), setEnabled(false))
  )
]
