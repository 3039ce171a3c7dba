/**
 * Shells in kept roots, as far as a daemon has to do with them: it sweeps behind one whose process is gone.
 *
 * A shell's process holds a directory of its own below the state directory from before its container is made until
 * after it is removed; the system lets go of it with the process, however that ends (`StateLock.ts`). So a container
 * whose directory nobody holds has nobody sitting in it.
 */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { exists } from "../buildroot/Workspace.ts"
import { Engine } from "../engine/Engine.ts"
import { shellLabels } from "../engine/Labels.ts"
import type { Reaped } from "../engine/Reaper.ts"
import * as NodeDisk from "../journal/NodeDisk.ts"
import { holderOf } from "../journal/StateLock.ts"

/** Where shells have their directories; it is held itself while something is written to their journal. */
export const shellsBelow = (stateDirectory: string): string => join(stateDirectory, "shells")

/** Removes, or only names, the containers of shells that are left without one. */
export const sweepShells = Effect.fn("sweepShells")(function* (
  of: { readonly instance: string; readonly stateDirectory: string },
  how: "remove" | "look"
) {
  const engine = yield* Engine
  const left: Array<Reaped> = []
  for (const { name } of yield* engine.list(shellLabels(of.instance))) {
    const place = join(shellsBelow(of.stateDirectory), name)
    const isThere = yield* Effect.promise(() => exists(place))
    if (isThere && (yield* holderOf(place)) !== undefined) continue
    if (how === "remove") {
      yield* engine.remove(name)
      yield* Effect.promise(() => rm(place, { recursive: true, force: true }))
    }
    left.push({ kind: "container", name, reason: "the shell that it was made for is gone" })
  }
  return left
}, Effect.provide(NodeDisk.layer))
