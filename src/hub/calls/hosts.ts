/** Calls about hosts, as anybody may make them (daemon.md 3.3); those of a builder about itself are in `host.ts`. */
import { Schema } from "effect"
import { HostInfo } from "../shapes/Host.ts"
import { call } from "./call.ts"

/** Null when there is none of this id. */
export const findHost = (id: number) => call(Schema.NullOr(HostInfo), "getHost", [id])

/** The hosts that log in as this user: one, or none. */
export const hostsOfUser = (userID: number) => call(Schema.Array(HostInfo), "listHosts", [], { userID })

const Channel = Schema.Struct({
  name: Schema.String,
  /** Hubs before 1.26 do not say. */
  enabled: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
})
export const listChannels = (options: { readonly hostID: number }) =>
  call(Schema.Array(Channel), "listChannels", [], { ...options })
