/** How times, sizes and amounts are spelled for a person. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const two = (value: number) => String(value).padStart(2, "0")

/** A duration in milliseconds, in at most six characters: `35ms`, `0.3s`, `12.4s`, `4m10s`, `2h05m`, `3d04h`. */
export const duration = (milliseconds: number): string => {
  const value = Math.max(0, milliseconds)
  if (value < 100) return `${Math.round(value)}ms`
  if (Math.round(value / 100) < 600) return `${(value / second).toFixed(1)}s`
  const rounded = Math.round(value / second) * second
  if (rounded < hour) return `${Math.floor(rounded / minute)}m${two((rounded % minute) / second)}s`
  if (rounded < day) return `${Math.floor(rounded / hour)}h${two(Math.floor((rounded % hour) / minute))}m`
  return `${Math.floor(rounded / day)}d${two(Math.floor((rounded % day) / hour))}h`
}

/** A time since the beginning, in milliseconds: `0:07.3`, `12:05.0`, `1:02:05.9`. */
export const offset = (milliseconds: number): string => {
  const tenths = Math.floor(Math.max(0, milliseconds) / 100)
  const seconds = `${two(Math.floor(tenths / 10) % 60)}.${tenths % 10}`
  const minutes = Math.floor(tenths / 600)
  return minutes < 60 ? `${minutes}:${seconds}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}`
}

const prefixes = ["KiB", "MiB", "GiB", "TiB", "PiB"]

/** A number of bytes: `512 B`, `1.2 MiB`. */
export const bytes = (count: number): string => {
  let value = count
  let unit = "B"
  for (const prefix of prefixes) {
    if (Math.abs(value) < 1023.95) break
    value /= 1024
    unit = prefix
  }
  return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`
}

/** `1 file`, `2 files`; `plural` where an s will not do. */
export const amount = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`

/** A wall-clock time in milliseconds since the epoch: `2026-01-31 16:29:15 UTC`. */
export const wallClock = (milliseconds: number): string => {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime())
    ? "an impossible time"
    : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`
}
