/** Whose task it is, by the hub's own table. */

import type { Effect } from "effect"
import { Schema } from "effect"
import { rowOf } from "../../src/hubsim/Database.ts"
import type { freshHub } from "./Hub.ts"

const readOwner = rowOf(Schema.Struct({ name: Schema.String }))

export const ownerOf = ({ hub }: Effect.Success<ReturnType<typeof freshHub>>, task: number): string | undefined =>
  hub.db.all(readOwner, "SELECT users.name FROM task JOIN users ON users.id = task.owner WHERE task.id = ?", task)[0]
    ?.name
