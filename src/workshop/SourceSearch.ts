/**
 * Where the files of the hub's tree are to be had for a build that is run again, the source package above all: where
 * somebody says, beside the journal, in the kept root of the build, in the hub's tree.
 */
import { basename } from "node:path"
import { Context, Effect, Layer, Result } from "effect"
import { HttpClient } from "effect/http"
import { HubFileError, HubFiles } from "../hub/HubFiles.ts"
import { pathInfo } from "../koji/Paths.ts"

/** A directory, or the address of one; and a file in it. */
export interface Place {
  readonly top: string
  readonly relative: string
}

export interface Search {
  /** Where a file may be that the program calls by this path below the hub's tree, the likeliest place first. */
  placesOf(relative: string): ReadonlyArray<Place>
  /** Why a file that was found is not the one; undefined when it is. A rebuilt source package has the name of the first. */
  unlike(name: string, file: string): Effect.Effect<string | undefined>
  /** Hears where it was. */
  found(name: string, place: string): Effect.Effect<void>
  /** It is in none of them: the program cannot go on. */
  nowhere(message: string): Effect.Effect<never>
}

/** Looks in one place after another. */
export const layer = (search: Search) =>
  Layer.effect(
    HubFiles,
    Effect.map(HttpClient.HttpClient, (client) =>
      HubFiles.of({
        fetch: Effect.fn("SourceSearch.fetch")(function* (relative: string, destination: string) {
          const name = basename(relative)
          const fetched = yield* firstOf(search.placesOf(relative), destination, (file) =>
            search.unlike(name, file)
          ).pipe(Effect.provideService(HttpClient.HttpClient, client))
          if (Result.isFailure(fetched)) {
            return yield* search.nowhere(`${name} is not to be had; --source says where it is. ${fetched.failure}`)
          }
          yield* search.found(name, fetched.success.place)
          return fetched.success
        }),
        read: (relative) =>
          Effect.fail(new HubFileError({ path: relative, reason: "missing", message: `${relative} is not asked for` }))
      })
    )
  )

/** Fetches a file from the first of these places that has it; or why none has. */
export const firstOf = Effect.fnUntraced(function* (
  places: ReadonlyArray<Place>,
  destination: string,
  unlike: (file: string) => Effect.Effect<string | undefined> = () => Effect.succeed(undefined)
) {
  const tried = new Set<string>()
  for (const { top, relative } of places) {
    const files = yield* treeAt(top)
    const fetched = yield* Effect.result(files.fetch(relative, destination))
    if (Result.isFailure(fetched)) {
      tried.add(fetched.failure.message)
      continue
    }
    const place = `${top.replace(/\/+$/, "")}/${relative}`
    const reason = yield* unlike(destination)
    if (reason === undefined) return Result.succeed({ ...fetched.success, place })
    tried.add(`${place} ${reason}`)
  }
  return Result.fail([...tried].join("; "))
})

const treeAt = (top: string) =>
  Effect.scoped(
    Effect.map(Layer.build(HubFiles.layer({ topUrl: isUrl(top) ? top : null, topDirectory: top })), (context) =>
      Context.get(context, HubFiles)
    )
  )

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text)

/** A file by its path or address. */
export const placeOf = (file: string): Place => {
  const at = file.lastIndexOf("/")
  return { top: at <= 0 ? (at === 0 ? "/" : ".") : file.slice(0, at), relative: file.slice(at + 1) }
}

/** A source package below the hub's tree: where it was uploaded, and where the hub keeps it once its build is imported. */
export const placesInTree = (top: string, relative: string): ReadonlyArray<Place> => {
  const file = basename(relative)
  const [, name, version, release] = /^(.+)-([^-]+)-([^-]+)\.src\.rpm$/.exec(file) ?? []
  const uploaded = { top, relative }
  if (name === undefined || version === undefined || release === undefined) return [uploaded]
  return [uploaded, { top, relative: `${pathInfo("").build({ name, version, release }).slice(1)}/src/${file}` }]
}
