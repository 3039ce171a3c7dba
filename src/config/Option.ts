/**
 * The kinds of option there are: how the text of each becomes a value, and what is said when it does not.
 *
 * A table of options is a Schema.Struct whose members are made here. So a table is data (name, default, meaning, for
 * help and error messages) and gives the type of the configuration at once. Every value comes from text, its default
 * too; null is an option that nobody set and that has no default.
 */
import { Effect, Schema, SchemaIssue, SchemaTransformation } from "effect"
import { splitWords, strip } from "../koji/PythonSpace.ts"

/** What is known of an option besides its type. */
export interface OptionFacts {
  /** As it would stand in the file; null for none. */
  readonly default: string | null
  /** One line. */
  readonly meaning: string
  /** Where it differs from what one would think, or from kojid. */
  readonly quirk?: string
  /** The flag of kojid's command line, if it has one. */
  readonly flag?: string
  /** Taken so that a kojid.conf can stay as it is, and without effect here: whoever sets it is told. */
  readonly idle?: true
}

/** What the kind adds. */
export interface OptionKind extends OptionFacts {
  readonly kind: string
  readonly required: boolean
  readonly secret: boolean
}

declare module "effect/Schema" {
  namespace Annotations {
    interface Annotations {
      readonly option?: OptionKind | undefined
    }
  }
}

/** The facts of a member of a table. */
export const factsOf = (member: Schema.Constraint): OptionKind | undefined =>
  Schema.resolveAnnotationsKey(member)?.["option"]

const facts = (kind: string, given: OptionFacts, more: Partial<OptionKind> = {}) => ({
  option: { required: false, secret: false, ...given, ...more, kind }
})

/** Reads text; `read` gives undefined for what is not of this kind. */
const fromText = <A>(kind: string, read: (text: string) => A | undefined, write: (value: A) => string) =>
  SchemaTransformation.transformEffect<A, string>({
    decode: (text, options) => {
      const value = read(text)
      return value === undefined
        ? Effect.fail(new SchemaIssue.InvalidValue({ message: `must be ${kind}` }, text, options))
        : Effect.succeed(value)
    },
    encode: (value) => Effect.succeed(write(value))
  })

/** Text that is always there, if only by default. */
export const text = (given: OptionFacts & { readonly default: string }) =>
  Schema.String.annotateKey(facts("text", given))

/** Text of a certain form. */
export const pattern = (form: RegExp, kind: string, given: OptionFacts & { readonly default: string }) =>
  Schema.String.pipe(
    Schema.decodeTo(
      Schema.String,
      fromText<string>(kind, (value) => (form.test(value) ? value : undefined), String)
    )
  ).annotateKey(facts(kind, given))

/** Text without which nothing works. */
export const requiredText = (given: Omit<OptionFacts, "default">) =>
  Schema.String.annotateKey(facts("text", { ...given, default: null }, { required: true }))

export const optionalText = (given: Omit<OptionFacts, "default">) =>
  Schema.NullOr(Schema.String).annotateKey(facts("text", { ...given, default: null }))

/** Text that never shows in a message, a log or a journal. */
export const secret = (given: Omit<OptionFacts, "default">) =>
  Schema.NullOr(Schema.RedactedFromValue(Schema.String, { disallowEncode: true })).annotateKey(
    facts("text", { ...given, default: null }, { secret: true })
  )

/** Python's `int()` of text: base 10, blanks around and single underscores within. */
const readInteger = (text: string): number | undefined => {
  const digits = strip(text)
  return /^[-+]?[0-9]+(_[0-9]+)*$/.test(digits) ? Number.parseInt(digits.replaceAll("_", ""), 10) : undefined
}

interface Range {
  readonly min: number
  readonly max: number
}

const integerWithin = ({ min, max }: Range) => {
  const kind = `a whole number from ${min} to ${max}`
  const within = (text: string) => {
    const number = readInteger(text)
    return number !== undefined && number >= min && number <= max ? number : undefined
  }
  return { kind, schema: Schema.String.pipe(Schema.decodeTo(Schema.Int, fromText(kind, within, String))) }
}

export const integer = (given: OptionFacts & Range & { readonly default: string }) => {
  const { kind, schema } = integerWithin(given)
  return schema.annotateKey(facts(kind, given))
}

/** A number that may have a fraction, as `1.5`. */
export const decimal = (given: OptionFacts & Range & { readonly default: string }) => {
  const kind = `a number from ${given.min} to ${given.max}`
  const read = (text: string) => {
    const number = /^[0-9]+(\.[0-9]+)?$/.test(strip(text)) ? Number.parseFloat(strip(text)) : Number.NaN
    return number >= given.min && number <= given.max ? number : undefined
  }
  return Schema.String.pipe(Schema.decodeTo(Schema.Finite, fromText(kind, read, String))).annotateKey(
    facts(kind, given)
  )
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ["1", true],
  ["yes", true],
  ["true", true],
  ["on", true],
  ["0", false],
  ["no", false],
  ["false", false],
  ["off", false]
])

/** Python's `getboolean()`. */
export const boolean = (given: OptionFacts & { readonly default: "yes" | "no" }) => {
  const kind = "yes or no (or true, on, 1, false, off, 0)"
  const read = (text: string) => booleans.get(text.toLowerCase())
  const write = (value: boolean) => (value ? "yes" : "no")
  return Schema.String.pipe(Schema.decodeTo(Schema.Boolean, fromText(kind, read, write))).annotateKey(
    facts(kind, given)
  )
}

/** One of a few words. */
export const choice = <const Word extends string>(
  words: ReadonlyArray<Word>,
  given: OptionFacts & { readonly default: NoInfer<Word> }
) => {
  const kind = `one of ${words.join(", ")}`
  const read = (text: string) => words.find((word) => word === text)
  return Schema.String.pipe(Schema.decodeTo(Schema.Literals(words), fromText<Word>(kind, read, String))).annotateKey(
    facts(kind, given)
  )
}

/** A list whose items `read` makes of the words of the text, apart by white space. */
export const list = <Item extends Schema.Codec<unknown, unknown>>(
  item: Item,
  kind: string,
  read: (word: string) => Item["Type"] | undefined,
  write: (value: Item["Type"]) => string,
  given: OptionFacts
) => {
  const readAll = (text: string) => {
    const items: Array<Item["Type"]> = []
    for (const word of splitWords(text)) {
      const value = read(word)
      if (value === undefined) return undefined
      items.push(value)
    }
    return items
  }
  return Schema.String.pipe(
    Schema.decodeTo(
      Schema.Array(Schema.toType(item)),
      fromText<ReadonlyArray<Item["Type"]>>(kind, readAll, (values) => values.map(write).join(" "))
    )
  ).annotateKey(facts(kind, given))
}

/** Words apart by white space. */
export const words = (given: OptionFacts & { readonly default: string }) =>
  list(
    Schema.String,
    "words",
    (word) => word,
    (word) => word,
    given
  )
