/** One round of `xmlrpc.ts`: decodes the document in the file named, as it comes from a socket, and encodes it again. */
import { readFileSync } from "node:fs"
import { Result } from "effect"
import { answerDecoder } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswerBytes } from "../../src/hub/XmlRpcEncoder.ts"
import { seconds } from "./Figures.ts"

const sliceBytes = 64 * 1024

const peakBytes = (): number => {
  const [, kibibytes = "0"] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? []
  return 1024 * Number(kibibytes)
}

const startBytes = peakBytes()
const document = readFileSync(process.argv[2] ?? "")
let start = seconds()
const decoder = answerDecoder()
for (let at = 0; at < document.length; at += sliceBytes) decoder.push(document.subarray(at, at + sliceBytes))
const answer = Result.getOrThrow(decoder.finish())
const decodeSeconds = seconds() - start
const decodePeakBytes = peakBytes()

start = seconds()
const written = encodeAnswerBytes(answer)
const encodeSeconds = seconds() - start
if (written.length < document.length / 2) throw new Error(`${written.length} bytes written of ${document.length}`)
process.stdout.write(
  JSON.stringify({ decodeSeconds, encodeSeconds, startBytes, decodePeakBytes, encodePeakBytes: peakBytes() })
)
