/** Things are named by id, by name, or by a struct with either (kojihub `name_or_id_clause`). */
import { Effect } from "effect"
import { isStruct } from "../hub/Keywords.ts"
import type { Value } from "../hub/Value.ts"
import { genericError, type KojiFault, parameterError } from "../koji/Fault.ts"
import { pythonStr } from "../koji/PythonRepr.ts"
import { type Answering, Call } from "./Call.ts"
import type { Parameter } from "./Database.ts"

export interface NameOrId {
  /** With one `?`. */
  readonly clause: string
  readonly value: Parameter
}

/** The SQL condition for the row that is meant. A double is neither: it is a ParameterError (1019). */
export const byNameOrId = (table: string, info: Value): Effect.Effect<NameOrId, KojiFault> => {
  const named = isStruct(info) ? (info["id"] ?? info["name"] ?? null) : info
  if (typeof named === "number" && Number.isInteger(named)) {
    return Effect.succeed({ clause: `${table}.id = ?`, value: named })
  }
  if (typeof named === "string") return Effect.succeed({ clause: `${table}.name = ?`, value: named })
  return Effect.fail(parameterError(`Invalid name or id value: ${pythonStr(info)}`))
}

/** The id of a row that is meant, or undefined. */
export const findId = Effect.fnUntraced(function* (table: string, info: Value) {
  const { db } = yield* Call
  const { clause, value } = yield* byNameOrId(table, info)
  return db.id(`SELECT id FROM ${table} WHERE ${clause}`, value)
})

/** The id of a row that must be there; fails with GenericError (1000). */
export const getId = (table: string, info: Value): Answering<number> =>
  Effect.flatMap(findId(table, info), (id) =>
    id === undefined
      ? Effect.fail(genericError(`No such entry in table ${table}: ${pythonStr(info)}`))
      : Effect.succeed(id)
  )

/** The id of a row of this name, made if there is none. */
export const idFor = (table: string, name: string) =>
  Effect.map(Call, ({ db }) => db.id(`SELECT id FROM ${table} WHERE name = ?`, name) ?? db.insert(table, { name }))
