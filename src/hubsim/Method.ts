/** A method of the hub: its name on the wire, its Python signature, and what it does. */
import { Effect } from "effect"
import type { Value } from "../hub/Value.ts"
import type { Arguments } from "./Arguments.ts"
import type { Answering } from "./Call.ts"
import { type Signature, signature } from "./Signature.ts"

export interface Method {
  readonly name: string
  readonly signature: Signature
  readonly run: (given: Arguments) => Answering<Value>
}

/** What a method that only does something returns; the client is told nil. */
type Nothing = Effect.Success<Answering<void>>

/** The names in a signature's text, so that a method cannot read an argument that it does not have. */
type NamesIn<Python extends string> = Python extends `${string}(${infer Inside})` ? NameOf<Inside> : never
type NameOf<Inside extends string> = Inside extends `${infer First}, ${infer Rest}`
  ? NameOf<First> | NameOf<Rest>
  : Inside extends `**${infer Name}` | `*${infer Name}` | `${infer Name}=${string}`
    ? Name
    : Inside

/**
 * A method with its signature as Python writes it: `getTag(tagInfo, strict=False, ...)` for a function of Koji's,
 * `HostExports.openTask(task_id)` for a method of a class. What it returns to the client is a Value; void is nil.
 */
export const method = <const Python extends string>(
  name: string,
  python: Python,
  run: (given: Arguments<NamesIn<Python>>) => Answering<Value | undefined | Nothing>
): Method => ({
  name,
  signature: signature(python),
  run: (given) => Effect.map(run(given), (value) => value ?? null)
})
