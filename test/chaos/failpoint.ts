/**
 * Loaded before a daemon, kills it at one transition: `ADJUTANT_FAILPOINT=before:ContainerStarted:2` just before the
 * second event of this name reaches the journal, `after:…` just after. The daemon itself knows nothing of it.
 */
import fs from "node:fs"

const [when, event, nth] = (process.env["ADJUTANT_FAILPOINT"] ?? "").split(":")
const mark = `"event":{"_tag":"${event}"`
const real = fs.writeSync
let seen = 0

const die = () => process.kill(process.pid, "SIGKILL")

Reflect.set(fs, "writeSync", (descriptor: number, bytes: NodeJS.ArrayBufferView, ...rest: ReadonlyArray<number>) => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
  const reached = text.includes(mark) && ++seen === Number(nth)
  if (reached && when === "before") die()
  const written: unknown = Reflect.apply(real, fs, [descriptor, bytes, ...rest])
  if (reached && when === "after") die()
  return written
})
