/**
 * Where we are in a log whose entries carry time stamps, so that it can be read on from there.
 *
 * Engines read logs from a time, not from a byte. So we keep an *anchor*, a stamp seen a while ago, and how many entries
 * with that stamp or a later one we have taken: a new reading "since" the anchor begins with exactly those, and they
 * are passed over by count. An anchor is always later than every stamp before it (two streams may be stamped out of
 * order by microseconds, and parts of one long line share a stamp), so the count is exact, and it lags behind, so that
 * an entry stamped slightly out of order is not missed.
 *
 * Docker finds a time by reading the log from its start, which takes minutes for a gigabyte; the last so many entries it
 * finds at once. A reading of those is as good, if it begins before the anchor: what is older is passed over here.
 */

/** How many entries an anchor is old before it is used. */
const lag = 1000

/** How many entries more than those that were taken since the anchor a reading from the end asks for. */
const reserve = 10_000

/** Of an entry: taken now, taken before, or proof that this reading began too late. */
export type Verdict = "new" | "known" | "gap"

/** What a reading asks the engine for: a time (`seconds.nanoseconds`), a number of entries from the end, or everything. */
export interface From {
  readonly since?: string
  readonly tail?: number
}

export interface LogCursor {
  /** Whether an entry is new, and if so remembers it. Called once for each entry of a reading, in order. */
  accept(stamp: string): Verdict
  /** Begins a new reading: from a time, or, of a log that grows no more, from its `end`. */
  reopen(from: "time" | "end"): From
}

/** A cursor at the start of a log with stamps of fixed length, as `2026-01-31T16:29:15.123456789Z`. */
export const makeLogCursor = (): LogCursor => {
  /** Undefined: from the start of the log. `count` entries at or after it have been taken. */
  let anchor: { readonly stamp: string | undefined; count: number } = { stamp: undefined, count: 0 }
  let next: { readonly stamp: string; count: number } | undefined
  let latest = ""
  /** Entries of this reading that were taken in an earlier one. */
  let seen = 0
  /** Of a reading from the end: whether its first entry is still to come. */
  let fromEnd: "no" | "begins" | "goes on" = "no"
  return {
    accept(stamp) {
      if (fromEnd !== "no" && anchor.stamp !== undefined) {
        const older = stamp < anchor.stamp
        if (fromEnd === "begins" && !older) return "gap"
        fromEnd = "goes on"
        if (older) return "known"
      }
      if (seen > 0) {
        seen--
        return "known"
      }
      if (next === undefined && stamp > latest) next = { stamp, count: 0 }
      if (stamp > latest) latest = stamp
      if (anchor.stamp === undefined || stamp >= anchor.stamp) anchor.count++
      if (next !== undefined && stamp >= next.stamp) next.count++
      if (next !== undefined && next.count >= lag) {
        anchor = next
        next = undefined
      }
      return "new"
    },
    reopen(from) {
      seen = anchor.count
      fromEnd = "no"
      if (anchor.stamp === undefined) return {}
      if (from === "time") return { since: unixTime(anchor.stamp) }
      fromEnd = "begins"
      return { tail: anchor.count + reserve }
    }
  }
}

/** `seconds.nanoseconds` of a stamp in UTC: what Docker's `since` takes. */
const unixTime = (stamp: string): string => {
  const [seconds = "", fraction = ""] = stamp.replace("Z", "").split(".")
  return `${Date.parse(`${seconds}Z`) / 1000}.${fraction.padEnd(9, "0")}`
}
