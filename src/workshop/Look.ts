/** Looking at a build that was stopped before one of its steps: a shell or a command, in the container that comes next. */
import { Effect } from "effect"
import { secondsMax } from "../config/KojidOptions.ts"
import type { ContainerSpec } from "../engine/ContainerSpec.ts"
import { Engine, type OutputSink, type Terminal } from "../engine/Engine.ts"
import { exitCodeOf } from "./Shell.ts"

/** A command whose output goes there; or somebody's terminal. */
export type Looking = { readonly command: string; readonly output: OutputSink } | { readonly terminal: Terminal }

/** Runs it to its end, as the step would have run, without a network; the exit code, as a shell would have it. */
export const lookInto = Effect.fn("lookInto")(function* (next: ContainerSpec, how: Looking) {
  const engine = yield* Engine
  const { commitFailed: _, ...asked } = next
  const personality = next.command[0] === "linux32" ? ["linux32"] : []
  const shell = ["/bin/bash", "--login", ...("command" in how ? ["-c", how.command] : ["-i"])]
  const spec: ContainerSpec = {
    ...asked,
    name: `${next.name}-look`,
    command: [...personality, ...shell],
    network: "none",
    limits: { ...next.limits, wallSeconds: secondsMax, silenceSeconds: secondsMax },
    output: "apart",
    commit: null
  }
  if ("terminal" in how) return yield* engine.interact(spec, how.terminal)
  const { reason } = yield* engine.run(spec, how.output, () => Effect.void)
  return yield* exitCodeOf(spec.name, reason)
})
