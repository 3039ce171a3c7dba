/**
 * A scanner for the XML that XML-RPC is written in: elements without meaning in their attributes, text, the five
 * named entities and numeric references. No document type, no other entity, no processing instruction but the first.
 *
 * It is fed text in pieces and gives events; what is not complete yet waits for the next piece.
 */
import { Schema } from "effect"

/** The document is not well-formed, not XML-RPC, or past a limit. `offset` is in characters from its start. */
export class XmlRpcError extends Schema.TaggedError<XmlRpcError>()("XmlRpcError", {
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

/** No markup of XML-RPC is longer; a `<` without `>` must not make us wait for ever. */
const markupMax = 1024

export class XmlScanner {
  private readonly handler: ScanHandler
  private rest = ""
  private consumed = 0

  constructor(handler: ScanHandler) {
    this.handler = handler
  }

  get offset(): number {
    return this.consumed
  }

  /** Takes the next piece. Throws XmlRpcError. */
  push(piece: string): void {
    const input = this.rest === "" ? piece : this.rest + piece
    let at = 0
    const end = input.length
    while (at < end) {
      const open = input.indexOf("<", at)
      if (open === -1) {
        // Keep a reference that may be cut in two.
        const amp = input.lastIndexOf("&")
        const stop = amp >= at && input.indexOf(";", amp) === -1 ? amp : end
        this.emitText(input.slice(at, stop))
        at = stop
        if (end - at > markupMax) throw this.error("a reference without its end", at)
        break
      }
      if (open > at) {
        this.emitText(input.slice(at, open))
        at = open
      }
      const close = input.indexOf(">", open)
      if (close === -1 && !input.startsWith(cdataStart, open)) {
        if (end - open > markupMax) throw this.error("markup without its end", open)
        break
      }
      const next = input.charCodeAt(open + 1)
      if (next === 0x2f) this.handler.close(trimmedName(input.slice(open + 2, close)))
      else if (next === 0x21 || next === 0x3f) {
        const declaration = input.slice(open, close + 1)
        if (next === 0x3f && this.consumed + open === 0) this.declaration(declaration)
        else if (declaration.startsWith("<!--")) {
          const finish = input.indexOf("-->", open + 4)
          if (finish === -1) {
            if (end - open > markupMax) throw this.error("a comment without its end", open)
            break
          }
          at = finish + 3
          continue
        } else if (input.startsWith(cdataStart, open)) {
          const finish = input.indexOf("]]>", open)
          if (finish === -1) break
          this.handler.text(input.slice(open + cdataStart.length, finish))
          at = finish + 3
          continue
        } else throw this.error(`${declaration.slice(0, 20)} is not allowed here`, open)
      } else {
        const selfClosing = input.charCodeAt(close - 1) === 0x2f
        const name = elementName(input.slice(open + 1, selfClosing ? close - 1 : close))
        this.handler.open(name)
        if (selfClosing) this.handler.close(name)
      }
      at = close + 1
    }
    this.rest = input.slice(at)
    this.consumed += at
  }

  /** The end of the document. Throws XmlRpcError when something was left unfinished. */
  finish(): void {
    if (this.rest !== "") throw this.error("the document ends in the middle", 0)
  }

  private declaration(text: string): void {
    const encoding = /encoding\s*=\s*["']([^"']*)["']/.exec(text)?.[1]
    if (encoding !== undefined && !/^(utf-8|us-ascii|ascii)$/i.test(encoding)) {
      throw this.error(`encoding ${encoding} is not read`, 0)
    }
  }

  private emitText(text: string): void {
    if (text === "") return
    const plain = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text
    this.handler.text(plain.includes("&") ? this.resolved(plain) : plain)
  }

  private resolved(text: string): string {
    return text.replace(/&([^;]{0,12});?/g, (whole, name: string) => {
      const known = whole.endsWith(";") ? entities.get(name) : undefined
      if (known !== undefined) return known
      const numeric = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(name)
      const code =
        numeric === null
          ? Number.NaN
          : Number.parseInt(numeric[1] ?? numeric[2] ?? "", numeric[1] === undefined ? 10 : 16)
      if (!whole.endsWith(";") || !isXmlCharacter(code)) throw this.error(`the reference ${whole} is not allowed`, 0)
      return String.fromCodePoint(code)
    })
  }

  private error(message: string, at: number): XmlRpcError {
    return new XmlRpcError({ message, offset: this.consumed + at })
  }
}

const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff)

const trimmedName = (text: string): string => (text.endsWith(" ") || text.endsWith("\n") ? text.trim() : text)

const elementName = (text: string): string => {
  const blank = text.search(/\s/)
  return blank === -1 ? text : text.slice(0, blank)
}
