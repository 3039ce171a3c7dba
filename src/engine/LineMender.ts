/**
 * Gives long lines their end back. Docker's `local` driver cuts a line into entries of 16 KiB and a rest, and then
 * forgets that the rest was followed by a line break (seen on 20.10: an ordinary entry gets its line break from the
 * reader, the last part of a cut one does not).
 *
 * An entry of exactly 16 KiB without a line break is such a part. What follows it in the same stream, shorter and
 * without a line break, is the rest: its line break is missing if anything comes after it. If nothing does, the command
 * may as well have ended without one; then only the engine's file knows (DockerLogFile).
 */

const partBytes = 16 * 1024
const lineEnd = 0x0a

type Stream = "stdout" | "stderr"

export interface LineMender {
  /** The next entry of a stream: whether a line break is missing right before it. */
  endMissingBefore(from: Stream, entry: Uint8Array): boolean
  /** Whether the stream's last line, as it stands, is the rest of a long one, and lacks its end or never had one. */
  mayLackEnd(from: Stream): boolean
}

export const makeLineMender = (): LineMender => {
  /** What the last entry of a stream was. */
  const last: Record<Stream, "line" | "part" | "rest"> = { stdout: "line", stderr: "line" }
  return {
    endMissingBefore(from, entry) {
      const missing = last[from] === "rest"
      const ended = entry.at(-1) === lineEnd
      if (ended) last[from] = "line"
      else if (entry.length === partBytes) last[from] = "part"
      else last[from] = last[from] === "part" ? "rest" : "line"
      return missing
    },
    mayLackEnd: (from) => last[from] === "rest"
  }
}
