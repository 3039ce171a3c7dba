/**
 * A scanner for the XML that XML-RPC is written in: elements, text, CDATA, the five named entities and numeric
 * references. There is no document type, no other entity, no comment, no attribute, and no processing instruction but
 * the first: Koji writes none of them, and each is a way to make two readers understand different things.
 *
 * It is fed text in pieces and gives events; what is not complete yet waits for the next piece. Nothing that waits is
 * long, so that a document costs the same in one piece and in many, and means the same.
 */
import { Schema } from "effect"
import { nameIn } from "./ElementNames.ts"

/**
 * The document is not well-formed or not XML-RPC (`malformed`), or past a limit (`too large`), and that it will be again.
 * `offset` is in characters from its start.
 */
export class XmlRpcError extends Schema.TaggedError<XmlRpcError>()("XmlRpcError", {
  kind: Schema.Literals(["malformed", "too large"]),
  message: Schema.String,
  offset: Schema.Int
}) {}

export interface ScanHandler {
  open(name: string): void
  close(name: string): void
  text(text: string): void
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"]
])

const cdataStart = "<![CDATA["
const cdataEnd = "]]>"

/** No markup of XML-RPC is longer; a `<` without `>` must not make us wait for ever. */
const markupMax = 128
/** `&#1114111;`, and room for leading zeros. */
const referenceMax = 16

/** What XML 1.0 cannot hold. */
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
const declaration =
  /^<\?xml\s+version\s*=\s*(["'])1\.0\1(?:\s+encoding\s*=\s*(["'])([A-Za-z0-9._-]+)\2)?(?:\s+standalone\s*=\s*(["'])(?:yes|no)\4)?\s*\?>$/

export class XmlScanner {
  private readonly handler: ScanHandler
  private rest = ""
  private consumed = 0
  private inCdata = false
  private endsInReturn = false

  constructor(handler: ScanHandler) {
    this.handler = handler
  }

  get offset(): number {
    return this.consumed
  }

  /** Takes the next piece. Throws XmlRpcError. */
  push(piece: string): void {
    const input = this.rest + this.withoutReturns(piece)
    if (illegal.test(input)) throw this.error("a character that XML does not have", 0)
    let at = 0
    while (at < input.length) {
      const next = this.inCdata ? this.cdata(input, at) : this.content(input, at)
      if (next === at) break
      at = next
    }
    this.rest = input.slice(at)
    this.consumed += at
  }

  /** The end of the document. Throws XmlRpcError when something was left unfinished. */
  finish(): void {
    if (this.endsInReturn) this.push("\n")
    if (this.rest !== "" || this.inCdata) throw this.error("the document ends in the middle", 0)
  }

  /** Line ends become line feeds before anything else is done, whatever piece they are in (XML 1.0, 2.11). */
  private withoutReturns(piece: string): string {
    if (!this.endsInReturn && !piece.includes("\r")) return piece
    const whole = this.endsInReturn ? `\r${piece}` : piece
    this.endsInReturn = whole.endsWith("\r")
    return (this.endsInReturn ? whole.slice(0, -1) : whole).replace(/\r\n?/g, "\n")
  }

  /** Consumes text up to the next markup, or one piece of markup; where that ends, or `at` if it is not all there. */
  private content(input: string, at: number): number {
    const open = input.indexOf("<", at)
    if (open === -1) {
      const stop = this.endOfText(input, at)
      if (stop > at) this.handler.text(this.resolved(input.slice(at, stop)))
      return stop
    }
    if (open > at) {
      this.handler.text(this.resolved(input.slice(at, open)))
      return open
    }
    if (input.charCodeAt(at + 1) === 0x21 && input.startsWith(cdataStart, at)) {
      this.inCdata = true
      return at + cdataStart.length
    }
    const close = input.indexOf(">", at)
    if ((close === -1 ? input.length : close) - at > markupMax) throw this.error("markup without its end", at)
    if (close === -1) return at
    this.markup(input, at, close)
    return close + 1
  }

  /** Where the text can be cut: before a reference, or a wrong `]]>`, that may go on in the next piece. */
  private endOfText(input: string, at: number): number {
    const reference = input.lastIndexOf("&")
    const unfinished = reference >= at && input.indexOf(";", reference) === -1
    if (unfinished && input.length - reference <= referenceMax) return reference
    let end = input.length
    while (end > at && end > input.length - 2 && input[end - 1] === "]") end--
    return end
  }

  private markup(input: string, at: number, close: number): void {
    const first = input.charCodeAt(at + 1)
    // Whether a name is one is the handler's to say: it knows them all, and none has an attribute.
    if (first === 0x2f) this.handler.close(bare(nameIn(input, at + 2, close)))
    else if (first === 0x3f) this.declaration(input.slice(at, close + 1), at)
    else if (first === 0x21) throw this.error(`${input.slice(at, at + 12)} is not allowed`, at)
    else {
      const empty = input.charCodeAt(close - 1) === 0x2f
      const name = bare(nameIn(input, at + 1, empty ? close - 1 : close))
      this.handler.open(name)
      if (empty) this.handler.close(name)
    }
  }

  private cdata(input: string, at: number): number {
    const finish = input.indexOf(cdataEnd, at)
    // The last two characters may be the beginning of the end.
    const stop = finish === -1 ? Math.max(at, input.length - cdataEnd.length + 1) : finish
    if (stop > at) this.handler.text(input.slice(at, stop))
    if (finish === -1) return stop
    this.inCdata = false
    return finish + cdataEnd.length
  }

  private declaration(text: string, at: number): void {
    const parts = declaration.exec(text)
    if (this.consumed + at > 0 || parts === null) throw this.error(`${text.slice(0, 20)} is not allowed here`, at)
    const encoding = parts[3]
    if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding)) {
      throw this.error(`encoding ${encoding} is not read`, at)
    }
  }

  private resolved(text: string): string {
    if (text.includes(cdataEnd)) throw this.error(`${cdataEnd} outside of CDATA`, 0)
    if (!text.includes("&")) return text
    return text.replace(/&([^;]{0,14})(;?)/g, (whole, name: string, end: string) => {
      const character = end === "" ? undefined : (entities.get(name) ?? numbered(name))
      if (character === undefined) throw this.error(`the reference ${whole} is not allowed`, 0)
      return character
    })
  }

  private error(message: string, at: number): XmlRpcError {
    return new XmlRpcError({ kind: "malformed", message, offset: this.consumed + at })
  }
}

/** A name without the blanks that may follow it. */
const bare = (name: string): string => (name.charCodeAt(name.length - 1) > 0x20 ? name : name.replace(/[ \t\n]+$/, ""))

/** The character of `#65` or `#x41`, if there is one that XML has. */
const numbered = (name: string): string | undefined => {
  const [, hexadecimal, decimal] = /^#(?:x([0-9A-Fa-f]{1,12})|([0-9]{1,13}))$/.exec(name) ?? []
  const digits = hexadecimal ?? decimal
  if (digits === undefined) return undefined
  const code = Number.parseInt(digits, hexadecimal === undefined ? 10 : 16)
  const exists =
    code === 9 ||
    code === 10 ||
    code === 13 ||
    (code >= 0x20 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff))
  return exists && code !== 0xfffe && code !== 0xffff ? String.fromCodePoint(code) : undefined
}
