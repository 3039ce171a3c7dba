/** Refusals: which host will not run which task, and for how long (daemon.md 4.10). */
import { Effect } from "effect"
import { Call } from "./Call.ts"

interface Refusal {
  readonly task: number
  readonly host: number
  /** Soft ones expire; hard ones last as long as the task. */
  readonly soft: boolean
  /** By the host itself, or by the hub on its behalf. */
  readonly byHost: boolean
  readonly message: string
}

/** Records a refusal; a later one of the same host and task takes the place of an earlier one. */
export const refuse = ({ task, host, soft, byHost, message }: Refusal) =>
  Effect.map(Call, ({ db, now }) =>
    db.run(
      `INSERT OR REPLACE INTO scheduler_task_refusals (task_id, host_id, soft, by_host, msg, time)
        VALUES (?, ?, ?, ?, ?, ?)`,
      task,
      host,
      soft,
      byHost,
      message,
      now
    )
  )
