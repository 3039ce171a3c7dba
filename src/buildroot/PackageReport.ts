/** The list of installed packages as the hub is told it: where each came from, and which of the hub's rpms it is. */

import { gunzipSync } from "node:zlib"
import { Effect, Schema } from "effect"
import { listDraftRpms } from "../hub/calls/builds.ts"
import { getExternalRepoList } from "../hub/calls/tags.ts"
import { HubFiles } from "../hub/HubFiles.ts"
import { buildrootError } from "../koji/Fault.ts"
import { markExternal, originLocation, parseOrigins } from "../koji/Origins.ts"
import { mapInternal, parseRpmList, recordsByName } from "../koji/RpmList.ts"
import type { BuildrootFacts } from "./Buildroot.ts"
import { hubFailure } from "./HubSteps.ts"
import type { ImageRecord } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { Door } from "./World.ts"

/** What is reported of one package; the hub ignores further members. */
const Reported = Schema.Array(Schema.Record(Schema.String, Schema.Json))

/** A list of origins or of rpms beyond this is refused. */
const listBytesMax = 512 * 1024 * 1024

/** The packages of an image, with `location` for external ones and `id` for the hub's own where the repo says (tasks.md 2.9-2.11). */
export const hubPackages = (path: string, root: BuildrootFacts, image: ImageRecord) =>
  Effect.flatMap(Door, (door) =>
    door.step(
      { path, rule: "repeat", input: image.key },
      Reported,
      Effect.gen(function* () {
        const logs = yield* KojiLogs
        const located = yield* locate(root, image)
        const records = yield* ownRpms(root)
        const { packages, unlisted } = yield* Effect.fromResult(mapInternal(located, records))
        if (unlisted.length > 0) yield* logs.root(`not in the repository's rpmlist.jsonl: ${unlisted.join(", ")}`)
        return packages.map((entry) => ({ ...entry }))
      })
    )
  )

const locate = Effect.fnUntraced(function* (root: BuildrootFacts, image: ImageRecord) {
  const external = yield* getExternalRepoList(root.repo.tag_id, { event: root.repo.create_event }).pipe(
    Effect.mapError(hubFailure)
  )
  if (external.length === 0) return image.packages
  const files = yield* HubFiles
  const directory = `repos/${root.tagName}/${root.repo.id}/${root.arch}`
  const read = (name: string) =>
    files.read(`${directory}/${name}`, listBytesMax).pipe(Effect.mapError((error) => buildrootError(error.message)))
  const href = originLocation(new TextDecoder().decode(yield* read("repodata/repomd.xml")))
  if (href === undefined)
    return yield* buildrootError(`${directory}/repodata/repomd.xml lists no origin of its packages`)
  const origins = yield* Effect.fromResult(parseOrigins(unpacked(yield* read(href))))
  return yield* Effect.fromResult(
    markExternal(image.packages, origins, { id: root.repo.id, arch: root.arch, external })
  )
})

const unpacked = (bytes: Uint8Array): string =>
  new TextDecoder().decode(
    bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: listBytesMax }) : bytes
  )

/** The rpms the hub put into the repository; for repositories older than that list, the tag's draft rpms. */
const ownRpms = Effect.fnUntraced(function* (root: BuildrootFacts) {
  const files = yield* HubFiles
  const path = `repos/${root.tagName}/${root.repo.id}/${root.arch}/rpmlist.jsonl`
  const text = yield* files.read(path, listBytesMax).pipe(
    Effect.map((bytes) => new TextDecoder().decode(bytes)),
    Effect.catchTag("HubFileError", (error) =>
      error.reason === "missing" ? Effect.succeed(null) : Effect.fail(buildrootError(error.message))
    )
  )
  if (text !== null) return yield* Effect.fromResult(parseRpmList(text))
  const options = { event: root.repo.create_event, latest: true }
  return recordsByName(yield* listDraftRpms(root.repo.tag_id, options).pipe(Effect.mapError(hubFailure)))
})
