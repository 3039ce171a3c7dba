/**
 * Values from the elements between `<value>` and `</value>`: scalars, arrays, structs, nested at will and to a limit.
 *
 * A stack of what is open; the innermost decides what may come next. Nothing recurses, so that depth costs a number
 * and not the call stack.
 */
import type { Value } from "./Value.ts"
import { isScalar, ownText, scalar } from "./XmlRpcScalars.ts"
import { XmlRpcError } from "./XmlScanner.ts"

/** What a document may hold. */
export interface DecoderLimits {
  /** The whole document, as it came. */
  readonly bytesMax: number
  /** Arrays and structs inside one another. */
  readonly depthMax: number
  /** Values of every kind; each costs some dozens of bytes. */
  readonly valuesMax: number
  /** UTF-16 units of one string. */
  readonly textMax: number
}

export const defaultLimits: DecoderLimits = {
  bytesMax: 256 * 1024 * 1024,
  depthMax: 200,
  valuesMax: 16 * 1024 * 1024,
  textMax: 64 * 1024 * 1024
}

interface ValueFrame {
  readonly kind: "value"
  text: string
  typed: boolean
  value: Value | undefined
}
interface MemberFrame {
  readonly kind: "member"
  name: string | undefined
  value: Value | undefined
}
type Frame =
  | ValueFrame
  | MemberFrame
  | { readonly kind: "array"; readonly items: Array<Value>; data: "before" | "inside" | "after" }
  | { readonly kind: "struct"; readonly members: Record<string, Value> }

export class ValueBuilder {
  private readonly stack: Array<Frame> = []
  /** Closed, and good for the next: a long document has millions of them, but few at a time. */
  private readonly spareValues: Array<ValueFrame> = []
  private readonly spareMembers: Array<MemberFrame> = []
  /** The scalar, or the member's name, whose text is being read. */
  private reading: string | null = null
  private buffer = ""
  private depth = 0
  private values = 0
  private readonly limits: DecoderLimits
  private readonly where: () => number
  private readonly finished: (value: Value) => void

  constructor(limits: DecoderLimits, where: () => number, finished: (value: Value) => void) {
    this.limits = limits
    this.where = where
    this.finished = finished
  }

  /** Whether a value has begun and not ended. */
  get busy(): boolean {
    return this.stack.length > 0
  }

  /** Begins a value: `<value>` was read where one may stand. */
  begin(): void {
    if (++this.values > this.limits.valuesMax) throw this.tooLarge(`more than ${this.limits.valuesMax} values`)
    this.stack.push(this.spareValues.pop() ?? { kind: "value", text: "", typed: false, value: undefined })
  }

  open(name: string): void {
    if (this.reading !== null) throw this.wrong(`<${name}> inside <${this.reading}>`)
    const top = this.stack.at(-1)
    if (top === undefined) throw this.wrong(`<${name}> outside of a value`)
    switch (top.kind) {
      case "value":
        if (top.typed || !blank(top.text)) throw this.wrong(`<${name}> beside a value`)
        top.typed = true
        if (isScalar(name)) this.read(name)
        else if (name === "array") this.nest({ kind: "array", items: [], data: "before" })
        else if (name === "struct") this.nest({ kind: "struct", members: {} })
        else throw this.wrong(`<${name}> is no type`)
        return
      case "array":
        if (name === "value" && top.data === "inside") this.begin()
        else if (name === "data" && top.data === "before") top.data = "inside"
        else throw this.wrong(`<${name}> in an array`)
        return
      case "struct":
        if (name !== "member") throw this.wrong(`<${name}> in a struct`)
        this.stack.push(this.spareMembers.pop() ?? { kind: "member", name: undefined, value: undefined })
        return
      case "member":
        if (name === "name" && top.name === undefined) this.read("name")
        else if (name === "value" && top.name !== undefined && top.value === undefined) this.begin()
        else throw this.wrong(`<${name}> in a member`)
    }
  }

  close(name: string): void {
    if (this.reading !== null) {
      if (name !== this.reading) throw this.wrong(`</${name}> closes <${this.reading}>`)
      this.closeText(name)
      return
    }
    const top = this.stack.at(-1)
    if (top === undefined) throw this.wrong(`</${name}> closes nothing`)
    if (top.kind === "array" && name === "data" && top.data === "inside") {
      top.data = "after"
      return
    }
    if (top.kind === "array" && top.data === "inside") throw this.wrong(`</${name}> closes <data>`)
    if (name !== top.kind) throw this.wrong(`</${name}> closes <${top.kind}>`)
    this.stack.pop()
    switch (top.kind) {
      case "value":
        this.deliver(top.value ?? (top.value === null ? null : ownText(top.text)))
        top.text = ""
        top.typed = false
        top.value = undefined
        this.spareValues.push(top)
        return
      case "array":
        if (top.data !== "after") throw this.wrong("an array without data")
        this.depth--
        this.settle(top.items)
        return
      case "struct":
        this.depth--
        this.settle(top.members)
        return
      case "member": {
        const struct = this.stack.at(-1)
        if (top.name === undefined || top.value === undefined || struct?.kind !== "struct") {
          throw this.wrong("a member without name or value")
        }
        setMember(struct.members, top.name, top.value)
        top.name = undefined
        top.value = undefined
        this.spareMembers.push(top)
      }
    }
  }

  text(text: string): void {
    if (this.reading !== null) {
      this.buffer += text
      if (this.buffer.length > this.limits.textMax) throw this.tooLong()
      return
    }
    const top = this.stack.at(-1)
    if (top?.kind === "value" && !top.typed) {
      top.text += text
      if (top.text.length > this.limits.textMax) throw this.tooLong()
    } else if (!blank(text)) throw this.wrong(`text where there can be none: ${text.trim().slice(0, 20)}`)
  }

  private read(name: string): void {
    this.reading = name
    this.buffer = ""
  }

  private closeText(name: string): void {
    const text = this.buffer
    this.reading = null
    this.buffer = ""
    const top = this.stack.at(-1)
    if (top?.kind === "member") {
      top.name = text
      return
    }
    const value = scalar(name, text)
    if (value === undefined) throw this.wrong(`${JSON.stringify(text.slice(0, 20))} is no ${name}`)
    this.settle(value)
  }

  private nest(frame: Frame): void {
    if (++this.depth > this.limits.depthMax) throw this.tooLarge(`nested deeper than ${this.limits.depthMax}`)
    this.stack.push(frame)
  }

  /** The content of the value on top. */
  private settle(value: Value): void {
    const top = this.stack.at(-1)
    if (top?.kind === "value") top.value = value
  }

  /** A whole value, to whatever holds it. */
  private deliver(value: Value): void {
    const top = this.stack.at(-1)
    if (top === undefined) this.finished(value)
    else if (top.kind === "array") top.items.push(value)
    else if (top.kind === "member") top.value = value
  }

  private tooLong(): XmlRpcError {
    return this.tooLarge(`a text of more than ${this.limits.textMax} characters`)
  }

  private wrong(message: string): XmlRpcError {
    return new XmlRpcError({ kind: "malformed", message, offset: this.where() })
  }

  private tooLarge(message: string): XmlRpcError {
    return new XmlRpcError({ kind: "too large", message, offset: this.where() })
  }
}

/** XML's white space and no other: what else `trim` takes away is text. */
export const blank = (text: string): boolean => text === "\n" || /^[ \t\n]*$/.test(text)

/** A member called `__proto__` is a member like any other. */
const setMember = (members: Record<string, Value>, name: string, value: Value): void => {
  if (name === "__proto__") {
    Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true })
  } else members[name] = value
}
