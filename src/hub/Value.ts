/**
 * The values of Koji's XML-RPC dialect, as TypeScript sees them.
 *
 * The model has no room for what the dialect cannot say: no `undefined`, no numbers that are neither 64-bit integers
 * nor doubles, no keys that are not strings. Integers within 2^53 are numbers, larger ones bigints. A number with a
 * fraction travels as `<double>`, one without as `<int>` or `<i8>`; where a float is meant Koji converts
 * (daemon.md 1.2). Bytes travel as `<base64>`.
 */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ReadonlyArray<Value>
  | { readonly [key: string]: Value }

export type Struct = { readonly [key: string]: Value }

/** A method call, its keyword arguments already folded into the last parameter (`__starstar`). */
export interface MethodCall {
  readonly method: string
  readonly params: ReadonlyArray<Value>
}

/** What a response says: one value, or a fault. */
export type Answer =
  | { readonly _tag: "Success"; readonly value: Value }
  | { readonly _tag: "Fault"; readonly code: number; readonly message: string }
