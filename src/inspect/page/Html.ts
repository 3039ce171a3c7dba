/**
 * HTML in which nothing that a build has said can become markup.
 *
 * The only way to markup is the template `html`; whatever is put into one is text, made harmless and escaped, unless it
 * came out of such a template itself. There is no way to hand over a string as markup.
 */
import { harmless, harmlessJson, harmlessLines } from "../Harmless.ts"

export class Html {
  readonly #text: string
  private constructor(text: string) {
    this.#text = text
  }
  static template(strings: TemplateStringsArray, ...values: ReadonlyArray<Insert>): Html {
    return new Html(strings.map((markup, index) => markup + inserted(values[index])).join(""))
  }
  /** JSON for the inside of a script element, where entities mean nothing. */
  static json(value: unknown): Html {
    return new Html(harmlessJson(value).replace(/[<>&']/g, unit))
  }
  toString(): string {
    return this.#text
  }
}

export type Insert = Html | string | number | null | undefined | ReadonlyArray<Insert>

/** A piece of a page. Text in it is one line; `lines` keeps the lines of one that has many. */
export const html = Html.template

const inserted = (value: Insert): string => {
  if (value === null || value === undefined) return ""
  if (value instanceof Html) return value.toString()
  if (typeof value === "string" || typeof value === "number") return escaped(harmless(String(value)))
  return value.map(inserted).join("")
}

const unit = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

/** Text of many lines, for an element that keeps them. */
export const lines = (text: string): Html =>
  html`${harmlessLines(text).map((line, index) => (index === 0 ? html`${line}` : html`\n${line}`))}`

/**
 * A value for a script to find, as JSON in an element that no browser runs. Nothing in it can end the element or begin
 * another.
 */
export const data = (id: string, value: unknown): Html =>
  html`<script type="application/json" id="${id}">${Html.json(value)}</script>`
