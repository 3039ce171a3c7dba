/**
 * Long documents, in the very words of the `xmlrpc` package, without the tree of nodes that it makes of each: that takes
 * seconds and a gigabyte for what Python writes in one second (adr/0018). The tests hold it to the package's, to the byte.
 */
import { isStruct } from "./Keywords.ts"
import type { MethodCall, Value } from "./Value.ts"
import { wellFormed, written } from "./WrittenScalars.ts"

/** Whether there are more values in it than these. */
export const isLongerThan = (value: Value, valuesMax: number): boolean => {
  let left = valuesMax
  const count = (inner: Value): boolean => {
    if (--left < 0) return true
    if (Array.isArray(inner)) return inner.some(count)
    return isStruct(inner) && Object.values(inner).some(count)
  }
  return count(value)
}

export const longCall = ({ method, params }: MethodCall): string =>
  document("methodCall", [element("methodName", escaped(method)), element("params", params.map(param).join(""))])

/** The response that says this; faults are short. */
export const longAnswer = (value: Value): string => document("methodResponse", [element("params", param(value))])

const document = (name: string, parts: ReadonlyArray<string>): string =>
  `<?xml version="1.0"?>${element(name, parts.join(""))}`

const param = (value: Value): string => element("param", valued(value))

const valued = (value: Value): string => element("value", content(value))

const content = (value: Value): string => {
  if (value === null) return "<nil/>"
  if (typeof value === "boolean") return value ? "<boolean>1</boolean>" : "<boolean>0</boolean>"
  if (value instanceof Uint8Array) return element("base64", Buffer.from(value).toString("base64"))
  if (Array.isArray(value)) return element("array", element("data", value.map(valued).join("")))
  if (isStruct(value)) return element("struct", Object.entries(value).map(member).join(""))
  if (typeof value === "object") return ""
  const scalar = written(value)
  return element(scalar.element, escaped(scalar.text))
}

const member = ([name, value]: readonly [string, Value]): string =>
  `<member>${element("name", escaped(wellFormed(name)))}${valued(value)}</member>`

const element = (name: string, inner: string): string => (inner === "" ? `<${name}/>` : `<${name}>${inner}</${name}>`)

const references: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;" }
const escaped = (text: string): string => text.replace(/[&<>\r]/g, (character) => references[character] ?? character)
