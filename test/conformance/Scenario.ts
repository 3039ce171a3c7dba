/** A recorded phase, told again: our daemon and the embedded hub live through what happened then. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Phase } from "../contract/Transcripts.ts"
import { story, type World, type WorldOptions } from "../model/World.ts"
import type { Plot, Told } from "../tasks/telling.ts"
import { methodsOf, type Ours, split } from "./Lives.ts"

export interface Scenario {
  readonly phase: Phase
  readonly what: string
  readonly tell: () => Promise<Ours>
  /** The recorded task sessions that there is a counterpart of, by the method of their tasks. */
  readonly tasks: Readonly<Record<string, string | ReadonlyArray<string>>>
  /** The recorded sessions of the daemon itself. */
  readonly daemon: ReadonlyArray<string>
  /** Whether the phase is about how the looks at the hub change. */
  readonly looksInOrder?: boolean
  /** Whether all that the recorded daemon took is taken here, in that order. */
  readonly takesAll?: boolean
}

/** One told by a single task from outside and what comes of it. */
export const told = async (telling: Promise<Told>, state: string): Promise<Ours> => {
  const { state: ended, world, after } = await telling
  assert.strictEqual(ended, state)
  assert.instanceOf(after, Map)
  const methods = new Map(Array.from(Object(after), ([id, method]) => [Number(id), String(method)] as const))
  return split(world.hub.calls, methods)
}
export const look: Pick<Plot, "after"> = { after: methodsOf }

/** One that is about more than a task. */
export const lived = (live: (world: World) => Effect.Effect<void>, options?: WorldOptions): Promise<Ours> =>
  story((world) => Effect.map(live(world), () => split(world.hub.calls, methodsOf(world))), options)
