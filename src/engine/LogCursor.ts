/**
 * Where we are in a log whose entries carry time stamps, so that it can be read on from there.
 *
 * Engines read logs from a time, not from a byte. So we keep an *anchor*, a stamp seen a while ago, and how many entries
 * with that stamp or a later one we have taken: a new reading "since" the anchor begins with exactly those, and they
 * are passed over by count. An anchor is always later than every stamp before it (two streams may be stamped out of
 * order by microseconds, and parts of one long line share a stamp), so the count is exact, and it lags behind, so that
 * an entry stamped slightly out of order is not missed.
 */

/** How many entries an anchor is old before it is used. */
const lag = 1000

export interface LogCursor {
  /** Whether an entry is new, and if so remembers it. Called once for each entry of a reading, in order. */
  accept(stamp: string): boolean
  /** Begins a new reading: from which time (`seconds.nanoseconds`), or undefined for all of it. */
  reopen(): string | undefined
}

/** A cursor at the start of a log with stamps of fixed length, as `2026-01-31T16:29:15.123456789Z`. */
export const makeLogCursor = (): LogCursor => {
  /** Undefined: from the start of the log. `count` entries at or after it have been taken. */
  let anchor: { readonly stamp: string | undefined; count: number } = { stamp: undefined, count: 0 }
  let next: { readonly stamp: string; count: number } | undefined
  let latest = ""
  /** Entries of this reading that were taken in an earlier one. */
  let seen = 0
  return {
    accept(stamp) {
      if (seen > 0) {
        seen--
        return false
      }
      if (next === undefined && stamp > latest) next = { stamp, count: 0 }
      if (stamp > latest) latest = stamp
      if (anchor.stamp === undefined || stamp >= anchor.stamp) anchor.count++
      if (next !== undefined && stamp >= next.stamp) next.count++
      if (next !== undefined && next.count >= lag) {
        anchor = next
        next = undefined
      }
      return true
    },
    reopen() {
      seen = anchor.count
      return anchor.stamp === undefined ? undefined : unixTime(anchor.stamp)
    }
  }
}

/** `seconds.nanoseconds` of a stamp in UTC: what Docker's `since` takes. */
const unixTime = (stamp: string): string => {
  const [seconds = "", fraction = ""] = stamp.replace("Z", "").split(".")
  return `${Date.parse(`${seconds}Z`) / 1000}.${fraction.padEnd(9, "0")}`
}
