/**
 * XML-RPC to values: strict, incremental, and bounded.
 *
 * Strict, because a document that two readers understand differently is an attack or a bug. Incremental, so that a
 * large answer is decoded while it arrives and never blocks the process. Bounded, because a hub can be wrong.
 */
import { Result } from "effect"
import type { Answer, MethodCall, Value } from "./Value.ts"
import { XmlRpcError, XmlScanner } from "./XmlScanner.ts"

export { XmlRpcError } from "./XmlScanner.ts"

/** What a document may hold. */
export interface DecoderLimits {
  readonly bytesMax: number
  readonly depthMax: number
}

export const defaultLimits: DecoderLimits = { bytesMax: 256 * 1024 * 1024, depthMax: 200 }

export interface Decoder<A> {
  /** Takes the next bytes; false when the document is known to be wrong, and no more is wanted. */
  push(bytes: Uint8Array): boolean
  finish(): Result.Result<A, XmlRpcError>
}

type Frame =
  | { readonly kind: "value"; text: string; typed: string | null; value: Value | undefined; hasValue: boolean }
  | { readonly kind: "array"; readonly items: Array<Value>; data: boolean }
  | { readonly kind: "struct"; readonly members: Record<string, Value> }
  | { readonly kind: "member"; name: string | null; value: Value | undefined; hasValue: boolean }

/** Where in the envelope the scanner is. */
interface Envelope {
  readonly path: Array<string>
  method: string | null
  readonly values: Array<Value>
  isFault: boolean
  done: boolean
}

const scalarNames = new Set([
  "int",
  "i1",
  "i2",
  "i4",
  "i8",
  "biginteger",
  "boolean",
  "double",
  "float",
  "string",
  "base64",
  "nil",
  "dateTime.iso8601"
])

/** Which element may stand in which, outside of values. */
const children: Readonly<Record<string, ReadonlyArray<string>>> = {
  "": ["methodCall", "methodResponse"],
  methodCall: ["methodName", "params"],
  methodResponse: ["params", "fault"],
  params: ["param"],
  param: ["value"],
  fault: ["value"]
}

class Machine {
  readonly envelope: Envelope = { path: [], method: null, values: [], isFault: false, done: false }
  private readonly stack: Array<Frame> = []
  private reading: string | null = null
  private buffer = ""
  private readonly limits: DecoderLimits
  private readonly where: () => number

  constructor(limits: DecoderLimits, where: () => number) {
    this.limits = limits
    this.where = where
  }

  open(name: string): void {
    if (this.reading !== null) throw this.wrong(`<${name}> inside <${this.reading}>`)
    const top = this.stack.at(-1)
    if (top === undefined) {
      this.openOutside(name)
      return
    }
    switch (top.kind) {
      case "value":
        if (top.typed !== null || top.text.trim() !== "") throw this.wrong(`<${name}> beside a value`)
        top.typed = name
        top.text = ""
        if (name === "array") this.stack.push({ kind: "array", items: [], data: false })
        else if (name === "struct") this.stack.push({ kind: "struct", members: {} })
        else if (scalarNames.has(name)) this.read(name)
        else throw this.wrong(`<${name}> is no type`)
        if (this.stack.length > this.limits.depthMax) throw this.wrong(`nested deeper than ${this.limits.depthMax}`)
        return
      case "array":
        if (name === "data" && !top.data) top.data = true
        else if (name === "value" && top.data) this.pushValue()
        else throw this.wrong(`<${name}> in an array`)
        return
      case "struct":
        if (name !== "member") throw this.wrong(`<${name}> in a struct`)
        this.stack.push({ kind: "member", name: null, value: undefined, hasValue: false })
        return
      case "member":
        if (name === "name" && top.name === null) this.read("name")
        else if (name === "value" && top.name !== null && !top.hasValue) this.pushValue()
        else throw this.wrong(`<${name}> in a member`)
    }
  }

  close(name: string): void {
    if (this.reading !== null) {
      if (name !== this.reading) throw this.wrong(`</${name}> closes <${this.reading}>`)
      this.reading = null
      this.closeScalar(name)
      return
    }
    const top = this.stack.at(-1)
    if (top === undefined) {
      this.closeOutside(name)
      return
    }
    switch (top.kind) {
      case "value": {
        if (name !== "value") throw this.wrong(`</${name}> closes <value>`)
        this.stack.pop()
        this.deliver(top.hasValue ? (top.value as Value) : top.text)
        return
      }
      case "array":
        if (name === "data" && top.data) return
        if (name !== "array") throw this.wrong(`</${name}> closes <array>`)
        this.stack.pop()
        this.settle(top.items)
        return
      case "struct":
        if (name !== "struct") throw this.wrong(`</${name}> closes <struct>`)
        this.stack.pop()
        this.settle(top.members)
        return
      case "member": {
        if (name !== "member" || top.name === null || !top.hasValue) throw this.wrong("a member without name or value")
        this.stack.pop()
        const struct = this.stack.at(-1)
        if (struct?.kind === "struct") setMember(struct.members, top.name, top.value as Value)
      }
    }
  }

  text(text: string): void {
    if (this.reading !== null) {
      this.buffer += text
      return
    }
    const top = this.stack.at(-1)
    if (top?.kind === "value" && top.typed === null) top.text += text
    else if (text.trim() !== "") throw this.wrong(`text where there can be none: ${text.trim().slice(0, 20)}`)
  }

  private pushValue(): void {
    this.stack.push({ kind: "value", text: "", typed: null, value: undefined, hasValue: false })
  }

  private read(name: string): void {
    this.reading = name
    this.buffer = ""
  }

  private closeScalar(name: string): void {
    const text = this.buffer
    this.buffer = ""
    const top = this.stack.at(-1)
    if (name === "methodName") {
      this.envelope.method = text
      this.envelope.path.pop()
    } else if (top?.kind === "member") top.name = text
    else this.settle(this.scalar(name, text))
  }

  /** The typed content of the value on top. */
  private settle(value: Value): void {
    const top = this.stack.at(-1)
    if (top?.kind !== "value") throw this.wrong("a value in no value")
    top.value = value
    top.hasValue = true
  }

  /** A whole value, to whatever holds it. */
  private deliver(value: Value): void {
    const top = this.stack.at(-1)
    if (top === undefined) this.envelope.values.push(value)
    else if (top.kind === "array") top.items.push(value)
    else if (top.kind === "member") {
      top.value = value
      top.hasValue = true
    }
  }

  private openOutside(name: string): void {
    const { path } = this.envelope
    const parent = path.at(-1) ?? ""
    if (this.envelope.done || !(children[parent] ?? []).includes(name)) throw this.wrong(`<${name}> in <${parent}>`)
    if (name === "value") {
      const complete = parent === "fault" ? this.envelope.values.length > 0 : path.includes("counted")
      if (complete) throw this.wrong("a second value")
      this.pushValue()
      return
    }
    path.push(name)
    if (name === "fault") this.envelope.isFault = true
    if (name === "methodName") this.read(name)
  }

  private closeOutside(name: string): void {
    const { path } = this.envelope
    if (path.pop() !== name) throw this.wrong(`</${name}> closes nothing`)
    if (path.length === 0) this.envelope.done = true
  }

  private scalar(name: string, text: string): Value {
    switch (name) {
      case "string":
        return text
      case "nil":
        if (text.trim() !== "") throw this.wrong("a nil with content")
        return null
      case "boolean": {
        const bit = text.trim()
        if (bit !== "0" && bit !== "1") throw this.wrong(`${bit.slice(0, 20)} is no boolean`)
        return bit === "1"
      }
      case "double":
      case "float":
        return this.double(text.trim())
      case "base64":
        return this.base64(text)
      case "dateTime.iso8601":
        return text
      default:
        return this.integer(text.trim())
    }
  }

  private integer(text: string): Value {
    if (!/^[+-]?[0-9]{1,40}$/.test(text)) throw this.wrong(`${text.slice(0, 20)} is no integer`)
    const number = Number(text)
    return Number.isSafeInteger(number) ? (number === 0 ? 0 : number) : BigInt(text)
  }

  private double(text: string): number {
    if (/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) return Number(text)
    if (/^nan$/i.test(text)) return Number.NaN
    const infinite = /^([+-]?)inf(inity)?$/i.exec(text)
    if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
    throw this.wrong(`${text.slice(0, 20)} is no double`)
  }

  private base64(text: string): Uint8Array {
    const packed = text.replace(/\s+/g, "")
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed) || packed.length % 4 !== 0) throw this.wrong("not base64")
    return new Uint8Array(Buffer.from(packed, "base64"))
  }

  wrong(message: string): XmlRpcError {
    return new XmlRpcError({ message, offset: this.where() })
  }
}

/** A member called `__proto__` is a member like any other. */
const setMember = (members: Record<string, Value>, name: string, value: Value): void => {
  if (name === "__proto__") {
    Object.defineProperty(members, name, { value, enumerable: true, configurable: true, writable: true })
  } else members[name] = value
}

const makeDecoder = <A>(limits: DecoderLimits, conclude: (envelope: Envelope) => A | string): Decoder<A> => {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false })
  let failure: XmlRpcError | null = null
  let bytes = 0
  const scanner: XmlScanner = new XmlScanner({
    open: (name) => machine.open(name),
    close: (name) => machine.close(name),
    text: (text) => machine.text(text)
  })
  const machine = new Machine(limits, () => scanner.offset)
  const guarded = (work: () => void): boolean => {
    if (failure !== null) return false
    try {
      work()
      return true
    } catch (error) {
      failure = error instanceof XmlRpcError ? error : new XmlRpcError({ message: "not UTF-8", offset: scanner.offset })
      return false
    }
  }
  return {
    push: (chunk) =>
      guarded(() => {
        bytes += chunk.length
        if (bytes > limits.bytesMax) throw machine.wrong(`longer than ${limits.bytesMax} bytes`)
        scanner.push(utf8.decode(chunk, { stream: true }))
      }),
    finish: () => {
      guarded(() => {
        scanner.push(utf8.decode())
        scanner.finish()
        if (!machine.envelope.done) throw machine.wrong("the document is not complete")
      })
      if (failure !== null) return Result.fail(failure)
      const concluded = conclude(machine.envelope)
      return typeof concluded === "string"
        ? Result.fail(new XmlRpcError({ message: concluded, offset: scanner.offset }))
        : Result.succeed(concluded)
    }
  }
}

/** A decoder of one response. */
export const answerDecoder = (limits: DecoderLimits = defaultLimits): Decoder<Answer> =>
  makeDecoder<Answer>(limits, ({ method, values, isFault }) => {
    const [value, ...more] = values
    if (method !== null) return "a call where an answer should be"
    if (value === undefined || more.length > 0) return `an answer with ${values.length} values`
    if (!isFault) return { _tag: "Success", value }
    if (typeof value !== "object" || value === null || !("faultCode" in value)) return "a fault that is no fault"
    const { faultCode, faultString } = value
    return typeof faultCode === "number" && typeof faultString === "string"
      ? { _tag: "Fault", code: faultCode, message: faultString }
      : "a fault without code or text"
  })

/** A decoder of one call. */
export const callDecoder = (limits: DecoderLimits = defaultLimits): Decoder<MethodCall> =>
  makeDecoder<MethodCall>(limits, ({ method, values }) =>
    method === null ? "no method name" : { method, params: values }
  )

const whole = <A>(decoder: Decoder<A>, document: Uint8Array | string): Result.Result<A, XmlRpcError> => {
  decoder.push(typeof document === "string" ? new TextEncoder().encode(document) : document)
  return decoder.finish()
}

export const decodeAnswer = (document: Uint8Array | string, limits?: DecoderLimits) =>
  whole(answerDecoder(limits), document)
export const decodeCall = (document: Uint8Array | string, limits?: DecoderLimits) =>
  whole(callDecoder(limits), document)
