/** Calls about the session itself and the hub behind it (daemon.md 2.5, 2.10). */
import { Schema } from "effect"
import { call } from "./call.ts"

const SessionInfo = Schema.Struct({
  user_id: Schema.Int,
  /** Of the session that this one is below. */
  master: Schema.NullOr(Schema.Int),
  exclusive: Schema.NullOr(Schema.Boolean),
  /** Seconds since the epoch, by the hub's clock. */
  start_ts: Schema.Finite
})

/** Who one is; null when not logged in. */
export const getSessionInfo = () => call(Schema.NullOr(SessionInfo), "getSessionInfo", [])

/** `1.35.3`, say. */
export const getKojiVersion = () => call(Schema.String, "getKojiVersion", [])

/** 1, and has always been. */
export const getAPIVersion = () => call(Schema.Int, "getAPIVersion", [])
