/** Where below `work` something was or is to be uploaded (daemon.md 5.2, kojihub `get_upload_path`). */
import { posix } from "node:path"
import { Effect } from "effect"
import { genericError, type KojiFault, otherError } from "../koji/Fault.ts"

/** A path of an uploaded file as clients name it in a result: below `work`, with no way out of it. */
export const safeUploadPath = (path: string): Effect.Effect<string, KojiFault> => {
  const normal = posix.normalize(path)
  return posix.isAbsolute(normal) || normal === ".." || normal.startsWith("../") || normal.includes("\0")
    ? Effect.fail(otherError(`Invalid path segment: ${path}`))
    : Effect.succeed(normal)
}

/** The directory and the name of an upload; a name is no path and not hidden. */
export const uploadTarget = Effect.fnUntraced(function* (directory: string, name: string) {
  if (name === "" || name.includes("/") || name.startsWith(".") || name.includes("\0")) {
    return yield* genericError(`Invalid upload filename: ${name}`)
  }
  const normal = posix.normalize(directory === "" ? "." : directory)
  if (normal.startsWith("..")) return yield* genericError(`Invalid upload directory: ${directory}`)
  return { directory: yield* safeUploadPath(normal), name }
})
