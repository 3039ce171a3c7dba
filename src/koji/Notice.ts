/**
 * A mail as Koji sends it: plain header lines without MIME, each line ended by CR and LF, all of it UTF-8. Filters of
 * packagers go by the header's names and their order (tasks.md 5).
 */

export const lineEnd = "\r\n"

/** Of text that somebody else wrote, so that it stays in its header. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, " ")

export const noticeText = (
  headers: ReadonlyArray<readonly [name: string, value: string]>,
  body: ReadonlyArray<string>
): string =>
  [...headers.map(([name, value]) => `${name}: ${oneLine(value)}`), "", ...body, ""]
    .join(lineEnd)
    // Texts of others have line ends of their own.
    .replace(/\r?\n|\r/g, lineEnd)

export const pythonTruthText = (value: boolean): string => (value ? "True" : "False")

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const two = (value: number): string => `${value}`.padStart(2, "0")

/** `Sun, 22 Nov 2026 18:47:49 UTC`; nothing for a time that there is none of. */
export const longTime = (seconds: number | null, timeZone: string): string => {
  if (seconds === null) return ""
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, weekday: "short", day: "2-digit", month: "short", year: "numeric", timeZoneName: "short" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }
  })
  const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]))
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? ""
  const time = `${part("hour")}:${part("minute")}:${part("second")}`
  return `${part("weekday")}, ${part("day")} ${part("month")} ${part("year")} ${time} ${part("timeZoneName")}`
}

/** `Mon Nov 02 2026`, of a date as the hub writes it. */
const changelogDate = (date: string): string => {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(date) ?? []
  if (year === undefined) return date
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return `${weekdays[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${two(at.getUTCDate())} ${year}`
}

export interface ChangelogEntry {
  readonly date: string
  readonly author: string
  readonly text: string
}

/** Entries as they stand in a spec file, an empty line after each. */
export const changelogText = (entries: ReadonlyArray<ChangelogEntry>): string =>
  entries.map(({ date, author, text }) => `* ${changelogDate(date)} ${author}\n${text}\n\n`).join("")
