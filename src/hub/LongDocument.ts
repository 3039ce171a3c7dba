/**
 * Long documents, in the very words of the `xmlrpc` package, without the tree of nodes that it makes of each: that takes
 * seconds and a gigabyte for what Python writes in one second (adr/0018). The tests hold it to the package's, to the byte.
 *
 * Text is gathered to some length and put away as bytes, so that what is written costs what it is long and no more.
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

const gatheredMax = 32 * 1024

class Document {
  private readonly parts: Array<Uint8Array> = []
  private gathered = ""
  private readonly members = new Map<string, string>()

  get bytes(): Uint8Array {
    this.putAway()
    return Buffer.concat(this.parts)
  }

  add(text: string): void {
    this.gathered += text
    if (this.gathered.length > gatheredMax) this.putAway()
  }

  param(value: Value): void {
    this.add("<param>")
    this.value(value)
    this.add("</param>")
  }

  private value(value: Value): void {
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
      const { element, text } = written(value)
      this.add(
        text === "" ? `<value><${element}/></value>` : `<value><${element}>${escaped(text)}</${element}></value>`
      )
    } else if (value === null) this.add("<value><nil/></value>")
    else if (typeof value === "boolean") this.add(`<value><boolean>${value ? 1 : 0}</boolean></value>`)
    else if (value instanceof Uint8Array) {
      const text = Buffer.from(value).toString("base64")
      this.add(text === "" ? "<value><base64/></value>" : `<value><base64>${text}</base64></value>`)
    } else if (Array.isArray(value)) this.array(value)
    else if (isStruct(value)) this.struct(value)
  }

  private array(items: ReadonlyArray<Value>): void {
    if (items.length === 0) {
      this.add("<value><array><data/></array></value>")
      return
    }
    this.add("<value><array><data>")
    for (const item of items) this.value(item)
    this.add("</data></array></value>")
  }

  private struct(struct: { readonly [key: string]: Value }): void {
    const names = Object.keys(struct)
    if (names.length === 0) {
      this.add("<value><struct/></value>")
      return
    }
    this.add("<value><struct>")
    for (const name of names) {
      this.add(this.member(name))
      this.value(struct[name] ?? null)
      this.add("</member>")
    }
    this.add("</struct></value>")
  }

  /** What a member begins with; the same names come again and again. */
  private member(name: string): string {
    const known = this.members.get(name)
    if (known !== undefined) return known
    const text = escaped(wellFormed(name))
    const begins = text === "" ? "<member><name/>" : `<member><name>${text}</name>`
    if (this.members.size < namesMax) this.members.set(name, begins)
    return begins
  }

  private putAway(): void {
    this.parts.push(Buffer.from(this.gathered))
    this.gathered = ""
  }
}

const namesMax = 1_000

export const longCall = ({ method, params }: MethodCall): Uint8Array => {
  const document = new Document()
  document.add(`<?xml version="1.0"?><methodCall><methodName>${escaped(method)}</methodName>`)
  document.add(params.length === 0 ? "<params/>" : "<params>")
  for (const value of params) document.param(value)
  document.add(params.length === 0 ? "</methodCall>" : "</params></methodCall>")
  return document.bytes
}

/** The response that says this; faults are short. */
export const longAnswer = (value: Value): Uint8Array => {
  const document = new Document()
  document.add(`<?xml version="1.0"?><methodResponse><params>`)
  document.param(value)
  document.add("</params></methodResponse>")
  return document.bytes
}

const references: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;" }
const marked = /[&<>\r]/
const escaped = (text: string): string =>
  marked.test(text) ? text.replace(/[&<>\r]/g, (character) => references[character] ?? character) : text
