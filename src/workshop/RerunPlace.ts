/**
 * Where a build is run again: a state directory of its own, with an id of its own, for as long as that takes.
 *
 * Whatever is made for it on the engine carries that id and goes with it. The directory is held by this process; one
 * that nobody holds was left by a process that was killed, and the next one takes away what it left.
 */
import { randomBytes } from "node:crypto"
import { mkdir, readdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result, Schema, Scope } from "effect"
import { Engine } from "../engine/Engine.ts"
import { imageOwnerLabels, ownerLabels } from "../engine/Labels.ts"
import * as NodeDisk from "../journal/NodeDisk.ts"
import { refuseUnsafe } from "../journal/StateDirectory.ts"
import { holdDirectory, holderOf } from "../journal/StateLock.ts"

/** There is nowhere to do it. */
export class NoPlace extends Schema.TaggedError<NoPlace>()("NoPlace", { message: Schema.String }) {}

const idBytes = 6

/** A directory and an id, until the scope closes; then nothing of it is left, here or on the engine. */
export const rerunPlace = Effect.fn("rerunPlace")(function* (below: string) {
  const id = randomBytes(idBytes).toString("hex")
  const directory = join(below, id)
  yield* Effect.tryPromise({
    try: () => mkdir(below, { recursive: true, mode: 0o700 }),
    catch: (cause) => new NoPlace({ message: `nothing can be made in ${below}: ${String(cause)}` })
  })
  // What is in there is made, removed and given away by root.
  yield* refuseUnsafe(below).pipe(
    Effect.mapError(
      ({ message }) => new NoPlace({ message: `${below}: ${message}; --work-dir names another, or one to be made` })
    )
  )
  const scope = yield* Effect.scope
  yield* Effect.addFinalizer(() => cleared(directory, id))
  // Nobody takes what another is making for left: that is done under one lock, which is held for a moment only.
  const left = yield* Effect.scoped(
    Effect.gen(function* () {
      yield* holdDirectory(below).pipe(
        Effect.catchTag("JournalBusy", () =>
          Effect.fail(new NoPlace({ message: `another adjutant rerun is about to begin in ${below}: try once more` }))
        )
      )
      yield* Effect.promise(() => mkdir(directory, { mode: 0o700 }))
      yield* holdDirectory(directory).pipe(Scope.provide(scope))
      return yield* unheld(below)
    })
  )
  for (const name of left) yield* cleared(join(below, name), name)
  return { directory, id }
}, Effect.provide(NodeDisk.layer))

/** What processes have left that were killed. */
const unheld = Effect.fnUntraced(function* (below: string) {
  const names = yield* Effect.promise(() => readdir(below))
  const found: Array<string> = []
  for (const name of names.filter((name) => idForm.test(name))) {
    const holder = yield* Effect.result(holderOf(join(below, name)))
    if (Result.isFailure(holder)) yield* Effect.logWarning(`left as it is: ${holder.failure.message}`)
    else if (holder.success === undefined) found.push(name)
  }
  return found
})
const idForm = new RegExp(`^[0-9a-f]{${2 * idBytes}}$`)

/** Images are made of each other: those that nothing is made of go first, and once more round until none is left. */
const roundsMax = 5

const cleared = (directory: string, id: string) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    for (const { name } of yield* engine.list(ownerLabels(id))) yield* engine.remove(name)
    for (let round = 0; round < roundsMax; round++) {
      const images = yield* engine.listImages(imageOwnerLabels(id))
      if (images.length === 0) break
      for (const image of images) yield* Effect.ignore(engine.removeImage(image.references[0] ?? image.id))
    }
    yield* Effect.promise(() => rm(directory, { recursive: true, force: true }))
  }).pipe(
    Effect.catch((error) =>
      Effect.logWarning(`${directory} is left, for the next adjutant rerun to take away: ${error.message}`)
    )
  )

/** The first line of a small file of the system's. */
export const firstLine = (path: string) => Effect.promise(async () => (await readFile(path, "utf8")).trim())
