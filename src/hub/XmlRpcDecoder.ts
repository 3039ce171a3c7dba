/**
 * XML-RPC to calls and answers: strict, incremental, and bounded.
 *
 * Strict, because a document that two readers understand differently is an attack or a bug. Incremental, so that a
 * large answer is decoded while it arrives and never blocks the process. Bounded, because a hub can be wrong.
 */
import { Result } from "effect"
import type { Answer, MethodCall, Value } from "./Value.ts"
import { blank, type DecoderLimits, defaultLimits, ValueBuilder } from "./ValueBuilder.ts"
import { XmlRpcError, XmlScanner } from "./XmlScanner.ts"

export { type DecoderLimits, defaultLimits } from "./ValueBuilder.ts"
export { XmlRpcError } from "./XmlScanner.ts"

export interface Decoder<A> {
  /** Takes the next bytes; false when the document is known to be wrong, and no more is wanted. */
  push(bytes: Uint8Array): boolean
  finish(): Result.Result<A, XmlRpcError>
}

/** What may stand in which, outside of values; each once, but `param`. */
const children: Readonly<Record<string, ReadonlyArray<string>>> = {
  "": ["methodCall", "methodResponse"],
  methodCall: ["methodName", "params"],
  methodResponse: ["params", "fault"],
  params: ["param"],
  param: ["value"],
  fault: ["value"]
}

/** Methods are identifiers, some with dots; the longest that Koji has is far below. */
const methodName = /^[A-Za-z0-9_.:/]{1,200}$/

/** The envelope of a document: everything that is not in a value. */
class Envelope {
  method: string | null = null
  isFault = false
  readonly values: Array<Value> = []
  private readonly path: Array<string> = []
  /** What the element that was closed last, or is open, was called, for each level. */
  private readonly last: Array<string> = [""]
  private nameText = ""
  private readonly builder: ValueBuilder
  private readonly where: () => number

  constructor(limits: DecoderLimits, where: () => number) {
    this.where = where
    this.builder = new ValueBuilder(limits, where, (value) => {
      this.values.push(value)
    })
  }

  get complete(): boolean {
    return this.path.length === 0 && this.last[0] !== ""
  }

  open(name: string): void {
    if (this.builder.busy) {
      this.builder.open(name)
      return
    }
    const level = this.path.length
    const before = this.last[level] ?? ""
    const allowed = children[this.path.at(-1) ?? ""] ?? []
    const follows = before === "" || name === "param" || (before === "methodName" && name === "params")
    if (!allowed.includes(name) || !follows || (name === "params" && this.path[0] === "methodCall" && before === "")) {
      throw this.wrong(`<${name}> in <${this.path.at(-1) ?? "document"}>`)
    }
    this.last[level] = name
    if (name === "value") {
      this.builder.begin()
      return
    }
    if (name === "fault") this.isFault = true
    this.path.push(name)
    this.last[level + 1] = ""
  }

  close(name: string): void {
    if (this.builder.busy) {
      this.builder.close(name)
      return
    }
    if (this.path.pop() !== name) throw this.wrong(`</${name}> closes nothing`)
    if (name === "methodName") {
      if (!methodName.test(this.nameText))
        throw this.wrong(`${JSON.stringify(this.nameText.slice(0, 20))} is no method`)
      this.method = this.nameText
    } else if ((name === "param" || name === "fault") && this.last[this.path.length + 1] === "") {
      throw this.wrong(`<${name}> without a value`)
    }
  }

  text(text: string): void {
    if (this.builder.busy) this.builder.text(text)
    else if (this.path.at(-1) === "methodName" && this.nameText.length < 1_000) this.nameText += text
    else if (!blank(text)) throw this.wrong(`text where there can be none: ${text.trim().slice(0, 20)}`)
  }

  wrong(message: string, kind: XmlRpcError["kind"] = "malformed"): XmlRpcError {
    return new XmlRpcError({ kind, message, offset: this.where() })
  }
}

const makeDecoder = <A>(given: Partial<DecoderLimits>, conclude: (envelope: Envelope) => A | string): Decoder<A> => {
  const limits = { ...defaultLimits, ...given }
  const utf8 = new TextDecoder("utf-8", { fatal: true })
  let failure: XmlRpcError | null = null
  let bytes = 0
  const envelope: Envelope = new Envelope(limits, () => scanner.offset)
  const scanner: XmlScanner = new XmlScanner(envelope)
  const guarded = (work: () => void): boolean => {
    if (failure !== null) return false
    try {
      work()
      return true
    } catch (error) {
      if (!(error instanceof XmlRpcError)) throw error
      failure = error
      return false
    }
  }
  const decoded = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? utf8.decode() : utf8.decode(chunk, { stream: true })
    } catch {
      throw envelope.wrong("bytes that are not UTF-8")
    }
  }
  return {
    push: (chunk) =>
      guarded(() => {
        bytes += chunk.length
        if (bytes > limits.bytesMax) throw envelope.wrong(`longer than ${limits.bytesMax} bytes`, "too large")
        scanner.push(decoded(chunk))
      }),
    finish: () => {
      guarded(() => {
        scanner.push(decoded())
        scanner.finish()
        if (!envelope.complete) throw envelope.wrong("the document is not complete")
      })
      if (failure !== null) return Result.fail(failure)
      const concluded = conclude(envelope)
      return typeof concluded === "string" ? Result.fail(envelope.wrong(concluded)) : Result.succeed(concluded)
    }
  }
}

/** A decoder of one response. */
export const answerDecoder = (limits: Partial<DecoderLimits> = {}): Decoder<Answer> =>
  makeDecoder<Answer>(limits, ({ method, values, isFault }) => {
    const [value, ...more] = values
    if (method !== null) return "a call where an answer should be"
    if (value === undefined || more.length > 0) return `an answer with ${values.length} values`
    if (!isFault) return { _tag: "Success", value }
    if (typeof value !== "object" || value === null || !("faultCode" in value)) return "a fault that is no fault"
    const { faultCode, faultString } = value
    return typeof faultCode === "number" && Number.isSafeInteger(faultCode) && typeof faultString === "string"
      ? { _tag: "Fault", code: faultCode, message: faultString }
      : "a fault without code or text"
  })

/** A decoder of one call. */
export const callDecoder = (limits: Partial<DecoderLimits> = {}): Decoder<MethodCall> =>
  makeDecoder<MethodCall>(limits, ({ method, values }) =>
    method === null ? "no method name" : { method, params: values }
  )

const whole = <A>(decoder: Decoder<A>, document: Uint8Array | string): Result.Result<A, XmlRpcError> => {
  decoder.push(typeof document === "string" ? new TextEncoder().encode(document) : document)
  return decoder.finish()
}

export const decodeAnswer = (document: Uint8Array | string, limits?: Partial<DecoderLimits>) =>
  whole(answerDecoder(limits), document)
export const decodeCall = (document: Uint8Array | string, limits?: Partial<DecoderLimits>) =>
  whole(callDecoder(limits), document)
