/**
 * Removes what a crash left behind: containers and images of this instance that nobody claims. Never anybody else's.
 *
 * It looks first and asks who claims what afterwards. A container's intent is journaled before the container is
 * created, so whatever is in the list and has an owner is claimed by the time the claims are read; the other order
 * would remove a container born in between. An image has no intent, it is recorded after it was made: it is suspected
 * when a sweep first finds it unclaimed, and removed by the next sweep that still does.
 */
import { Effect } from "effect"
import { Engine, type EngineError } from "./Engine.ts"
import { imageOwnerLabels, label, ownerLabels } from "./Labels.ts"

export interface Claims {
  /** Names of containers that a live attempt, or one to be adopted, intends. */
  readonly containers: ReadonlySet<string>
  /** Ids of images that the store knows or a live attempt uses. */
  readonly images: ReadonlySet<string>
  /** Keys of images that are being made, and may be there before the store knows them. */
  readonly making: ReadonlySet<string>
}

export interface Reaped {
  readonly kind: "container" | "image"
  /** The container's name, the image's id. */
  readonly name: string
  readonly reason: string
}

/** A reaper for this instance; each run of `sweep` is a look. What is in use by then is left for the next. */
export const makeReaper = <E, R>(instance: string, claims: Effect.Effect<Claims, E, R>) => {
  let suspects: ReadonlySet<string> = new Set()

  /** What carries our label and nobody claims: looked at first, asked about afterwards. */
  const unowned = Effect.gen(function* () {
    const engine = yield* Engine
    const containers = yield* engine.list(ownerLabels(instance))
    const images = yield* engine.listImages(imageOwnerLabels(instance))
    const claimed = yield* claims
    return {
      containers: containers.filter(
        ({ name, labels }) =>
          !claimed.containers.has(name) &&
          name.startsWith(`adjutant-${instance}-`) &&
          labels[label.instance] === instance
      ),
      images: images.filter(
        ({ id, labels }) =>
          !claimed.images.has(id) &&
          !claimed.making.has(labels[label.image] ?? "") &&
          labels[label.instance] === instance
      )
    }
  })

  const sweep: Effect.Effect<ReadonlyArray<Reaped>, EngineError | E, Engine | R> = Effect.gen(function* () {
    const engine = yield* Engine
    const { containers, images } = yield* unowned
    const reaped: Array<Reaped> = []
    for (const { name } of containers) {
      if (yield* orLater(name, engine.remove(name))) reaped.push({ kind: "container", name, reason: nobodysContainer })
    }
    for (const { id } of images.filter((image) => suspects.has(image.id))) {
      if (yield* orLater(id, Effect.as(engine.removeImage(id), true)))
        reaped.push({ kind: "image", name: id, reason: nobodysImage })
    }
    suspects = new Set(images.map(({ id }) => id))
    return reaped
  }).pipe(Effect.withSpan("Reaper.sweep"))

  /** What two sweeps in a row would take away, as things stand. */
  const wouldReap: Effect.Effect<ReadonlyArray<Reaped>, EngineError | E, Engine | R> = Effect.gen(function* () {
    const { containers, images } = yield* unowned
    return [
      ...containers.map(({ name }) => ({ kind: "container" as const, name, reason: nobodysContainer })),
      ...images.map(({ id }) => ({ kind: "image" as const, name: id, reason: nobodysImage }))
    ]
  })
  return { sweep, wouldReap }
}

const nobodysContainer = "no live attempt claims it"
const nobodysImage = "nobody claimed it at two looks"

/** What cannot be removed now is left for the next sweep, and does not keep this one from the rest. */
const orLater = (name: string, removal: Effect.Effect<boolean, EngineError>): Effect.Effect<boolean> =>
  Effect.catch(removal, ({ reason, message }) =>
    // An image that something is made of, or runs in, is no reason to speak.
    (reason === "conflict" ? Effect.void : Effect.logWarning(`${name} is not removed: ${message}`)).pipe(
      Effect.as(false)
    )
  )
