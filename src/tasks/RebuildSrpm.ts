/** `rebuildSRPM`: an uploaded source package, made again inside the tag's own root (tasks.md 3.7). */
import { Effect, Result, Schema } from "effect"
import { expireBuildroot, openBuildroot, repoEvent } from "../buildroot/Buildroot.ts"
import { sourceFault } from "../buildroot/Failures.ts"
import { hubStep } from "../buildroot/HubSteps.ts"
import { rebuildSource } from "../buildroot/RebuildSource.ts"
import { readResults } from "../buildroot/SourceFile.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { Workspace } from "../buildroot/Workspace.ts"
import { Door } from "../buildroot/World.ts"
import { getTag } from "../hub/calls/tags.ts"
import { buildError } from "../koji/Fault.ts"
import { taskPath } from "../koji/Paths.ts"
import { contentsDigest } from "../koji/RpmContents.ts"
import { headerFileName } from "../koji/RpmHeader.ts"
import { concreteArch, fetchSource, sha256, uploadedLogs } from "./BuildArch.ts"
import { type Handler, maybe, parameters, TagReference, tagKey } from "./Task.ts"

const Parameters = Schema.Struct({
  srpm: Schema.String,
  build_tag: TagReference,
  opts: maybe(Schema.Struct({ repo_id: maybe(Schema.Int) }))
})

/** What was uploaded, and a digest of it that does not depend on when it was made. Early records have the name alone. */
const Uploaded = Schema.Union([
  Schema.String,
  Schema.Struct({ name: Schema.String, contents: Schema.Record(Schema.String, Schema.String) })
])

export const rebuildSrpm: Handler = Effect.fn("rebuildSrpm")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, Parameters)
  const repoId = given.opts?.repo_id ?? null
  if (repoId === null) return yield* buildError("A repo id must be provided")
  const event = yield* repoEvent("event", repoId)
  const tag = yield* hubStep(
    "tag",
    Schema.Int,
    getTag(tagKey(given.build_tag), { event }).pipe(Effect.map(({ id }) => id))
  )
  const arch = yield* concreteArch("noarch", tag, event, null)
  const root = yield* openBuildroot(task.id, { repoId, tag, arch, group: "srpm-build", network: false })
  const source = yield* fetchSource(given.srpm, "Input SRPM file missing", (path) => `${path} is not a source package`)
  const directory = yield* rebuildSource(root, source)
  const uploaded = yield* door.here(
    { path: "upload", rule: "repeat" },
    Uploaded,
    Effect.gen(function* () {
      const uploads = yield* TaskUploads
      const { chrootTmpdir } = yield* Workspace
      const { files } = yield* readResults(chrootTmpdir, directory).pipe(
        Effect.mapError(({ message: detail }) => sourceFault({ _tag: "Status", status: 40, detail }))
      )
      const [made, ...more] = files.filter((file) => file.name.endsWith(".src.rpm"))
      if (made === undefined) return yield* buildError(`No srpms found in ${directory}`)
      if (more.length > 0) {
        return yield* buildError(
          `Multiple srpms found in ${directory}: ${[made, ...more].map((file) => file.name).join(", ")}`
        )
      }
      const wanted = headerFileName(made.header)
      if (made.name !== wanted) return yield* buildError(`srpm name mismatch: ${made.name} != ${wanted}`)
      yield* uploads.file(made.path, made.name)
      const contents = contentsDigest(made.header, sha256)
      return { name: made.name, contents: Result.isSuccess(contents) ? { [made.name]: contents.success } : {} }
    })
  )
  const name = typeof uploaded === "string" ? uploaded : uploaded.name
  yield* expireBuildroot(root)
  const logs = yield* uploadedLogs
  const at = (file: string) => `${taskPath(task.id)}/${file}`
  return {
    value: { srpm: at(name), logs: logs.map(at), brootid: root.id, source: { source: name, url: name } },
    files: [name, ...logs]
  }
})
