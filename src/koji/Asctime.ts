/** A moment as Python's `time.asctime` writes it, which some of Koji's messages quote. */

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const two = (value: number): string => String(value).padStart(2, "0")

/** `Thu Nov 26 12:24:56 2026`, of seconds since the epoch, by the builder's own clock on the wall. */
export const asctime = (seconds: number): string => {
  const at = new Date(1000 * Math.floor(seconds))
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")
  const day = String(at.getDate()).padStart(2, " ")
  return `${days[at.getDay()]} ${months[at.getMonth()]} ${day} ${clock} ${at.getFullYear()}`
}
