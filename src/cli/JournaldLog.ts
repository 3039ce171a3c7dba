/**
 * The daemon's log for systemd's journal: an entry a line, with its priority in front (sd-daemon(3)), so that
 * `journalctl -p warning` finds what matters; without the time, which the journal has.
 */
import { fstatSync } from "node:fs"
import { Cause, Formatter, Logger, type LogLevel, RegExp as Pattern, References } from "effect"
import { harmless } from "../inspect/Harmless.ts"

const info = 6
/** syslog's numbers. */
const priorities: Readonly<Partial<Record<LogLevel.LogLevel, number>>> = {
  ...{ Fatal: 2, Error: 3, Warn: 4 },
  ...{ Debug: 7, Trace: 7 }
}

/** Every line has the priority, as one without it is an entry of its own. */
export const formatJournald = Logger.make<unknown, string>(({ cause, fiber, logLevel, message }) => {
  const words = (Array.isArray(message) ? message : [message]).map(inWords).join(" ")
  const about = Object.entries(fiber.getRef(References.CurrentLogAnnotations))
    .map(([name, value]) => `${name} ${inWords(value)}`)
    .filter((one) => !speaksOf(words, one))
    .join(", ")
  const text = about === "" ? words : `${words} (${about})`
  const lines = [...text.split("\n"), ...(cause.reasons.length === 0 ? [] : Cause.pretty(cause).split("\n"))]
  return lines.map((line) => `<${priorities[logLevel] ?? info}>${harmless(line)}`).join("\n")
})

const inWords = (part: unknown): string =>
  typeof part === "object" && part !== null ? Formatter.format(part) : String(part)

/** In whole words: what is said of task 12 says nothing of task 1. */
const speaksOf = (words: string, one: string): boolean =>
  new RegExp(`(?<![\\p{L}\\p{N}_])${Pattern.escape(one)}(?![\\p{L}\\p{N}_])`, "u").test(words)

/** Whether what is written there goes to the journal: systemd names its stream by device and inode (systemd.exec(5)). */
export const isJournal = (stream: string | undefined, descriptor: number): boolean => {
  const [device, inode] = stream?.split(":") ?? []
  try {
    const { dev, ino } = fstatSync(descriptor)
    return String(dev) === device && String(ino) === inode
  } catch {
    return false
  }
}
