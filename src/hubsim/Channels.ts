/** Channels, which say what kind of task a host takes. */
import { Effect, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { Call } from "./Call.ts"
import { atEvent, Flag, orNull, rowOf } from "./Database.ts"
import { noRows } from "./Faults.ts"
import { method } from "./Method.ts"
import { byNameOrId } from "./NameOrId.ts"

const Channel = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  description: orNull(Schema.String),
  enabled: Flag,
  comment: orNull(Schema.String)
})
const readChannel = rowOf(Channel)
const columns = "channels.id, channels.name, channels.description, channels.enabled, channels.comment"

/** The channel, or undefined. Fails with ParameterError (1019) for what is neither a name nor an id. */
export const findChannel = Effect.fnUntraced(function* (info: Value) {
  const { db } = yield* Call
  const { clause, value } = yield* byNameOrId("channels", info)
  return db.first(readChannel, `SELECT ${columns} FROM channels WHERE ${clause}`, value)
})

export const channelMethods = [
  method(
    "getChannel",
    "get_channel(channelInfo, strict=False)",
    Effect.fnUntraced(function* (given) {
      const channel = yield* findChannel(given.value("channelInfo"))
      if (channel === undefined && given.truth("strict")) return yield* noRows
      return channel
    })
  ),
  method(
    "listChannels",
    "list_channels(hostID=None, event=None, enabled=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const enabled = given.truthOrNull("enabled")
      const filter = enabled === null ? "" : `AND channels.enabled = ${enabled ? 1 : 0}`
      const hostInfo = given.value("hostID")
      if (hostInfo === null) return db.all(readChannel, `SELECT ${columns} FROM channels WHERE 1 ${filter}`)
      const { clause, value } = yield* byNameOrId("host", hostInfo)
      return db.all(
        readChannel,
        `SELECT ${columns} FROM channels JOIN host_channels AS link ON link.channel_id = channels.id
          JOIN host ON host.id = link.host_id
          WHERE ${clause} AND ${atEvent(yield* given.intOrNull("event"), "link")} ${filter}`,
        value
      )
    })
  )
]
