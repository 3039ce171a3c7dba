/** Who says whether the codec is right: Python's reader, the `xmlrpc` package's own, and values of every kind. */
import { execFileSync } from "node:child_process"
import { createRequire } from "node:module"
import { Readable } from "node:stream"
import type { Value } from "../../src/hub/Value.ts"

/** One call of Python for many documents: what its xmlrpc.client makes of each, as JSON. */
export const inPython = (documents: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const script = `
import json, sys, xmlrpc.client
def plain(v):
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)): return [plain(x) for x in v]
    if isinstance(v, xmlrpc.client.Binary): return {"bytes": list(v.data)}
    if isinstance(v, xmlrpc.client.DateTime): return str(v)
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    if isinstance(v, float) and v.is_integer() and abs(v) < 2**53: v = int(v)  # 1.0 travels as 1: Koji converts
    return {"number": repr(v)}
out = []
for document in json.load(sys.stdin):
    try:
        params, method = xmlrpc.client.loads(document.encode("utf-8"))
        out.append([method, plain(params)])
    except xmlrpc.client.Fault as fault:
        out.append(["fault", fault.faultCode, fault.faultString])
    except Exception as error:
        out.append(["refused", str(error)])
json.dump(out, sys.stdout)
`
  const printed = execFileSync("python3", ["-c", script], { input: JSON.stringify(documents), maxBuffer: 1 << 28 })
  return JSON.parse(printed.toString("utf8"))
}

/** A value as `inPython` gives it. */
export const plain = (value: Value): unknown => {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value
  if (typeof value === "number" || typeof value === "bigint") return { number: String(value) }
  if (value instanceof Uint8Array) return { bytes: [...value] }
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

interface Deserializer {
  deserializeMethodResponse(stream: Readable, callback: (error: unknown, value: unknown) => void): void
}
const Deserializer: new () => Deserializer = createRequire(import.meta.url)("xmlrpc/lib/deserializer.js")

/** What the `xmlrpc` package reads in an answer. It gives integers beyond 32 bits as text. */
export const inPackage = (document: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    new Deserializer().deserializeMethodResponse(Readable.from([Buffer.from(document)]), (error, value) =>
      error ? reject(error) : resolve(value)
    )
  })

/** A value of any kind, four levels deep at most. */
export const generated = (draw: (below: number) => number, depth = 0): Value => {
  const texts = ["", "a", "<&>]]>\"'", "ünïcødé 🎉", "line\nline\ttab", "a\r\nb\r", "  blanks  ", "0", "__proto__"]
  const scalars: ReadonlyArray<() => Value> = [
    () => null,
    () => draw(2) === 0,
    () => draw(1 << 30) - (1 << 29),
    () => (draw(1 << 30) - (1 << 29)) * 4096,
    () => 2n ** 62n - BigInt(draw(1000)),
    () => draw(1 << 20) / 1024 + 0.5,
    () => texts[draw(texts.length)] ?? "",
    () => new Uint8Array(Array.from({ length: draw(9) }, () => draw(256)))
  ]
  if (depth < 4 && draw(3) === 0) {
    if (draw(2) === 0) return Array.from({ length: draw(4) }, () => generated(draw, depth + 1))
    const names = ["a", "b c", "<x>", "constructor"]
    return Object.fromEntries(
      Array.from({ length: draw(4) }, (_, at) => [names[at] ?? "z", generated(draw, depth + 1)])
    )
  }
  return (scalars[draw(scalars.length)] ?? (() => null))()
}
