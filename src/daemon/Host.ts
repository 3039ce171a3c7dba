/** What the builder itself says of its state: load and room on the volumes that matter (daemon.md 4.5). */

import { statfs } from "node:fs/promises"
import { cpus, loadavg } from "node:os"
import { Effect } from "effect"

const mebibyte = 1024 * 1024

/** Free space in whole MiB, by volume; a path that cannot be asked counts as full, with its name to tell why. */
export const freeSpace = (paths: ReadonlyArray<string>) =>
  Effect.forEach(paths, (path) =>
    Effect.promise(() =>
      statfs(path).then(
        (found) => ({ path, freeMebibytes: Math.floor((found.bavail * found.bsize) / mebibyte) }),
        () => ({ path: `${path} (cannot be read)`, freeMebibytes: 0 })
      )
    )
  )

export const load = Effect.sync(() => ({ loadAverage: loadavg()[0] ?? 0, cpus: cpus().length }))
