/** `hw_info.log`: the machine a build ran on, under mock's three headings. */

import { statfs } from "node:fs/promises"
import { cpus, freemem, machine, release, totalmem } from "node:os"
import { Effect } from "effect"

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)}Gi`

export const hardwareText = (directory: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const processors = cpus()
    const disk = await statfs(directory)
    const size = disk.blocks * disk.bsize
    const free = disk.bavail * disk.bsize
    return [
      "CPU info:",
      `Architecture: ${machine()}`,
      `CPU(s): ${processors.length}`,
      `Model name: ${processors[0]?.model ?? "unknown"}`,
      `Kernel: ${release()}`,
      "",
      "Memory:",
      `total ${gib(totalmem())}  free ${gib(freemem())}`,
      "",
      "Storage (chroot, cache_topdir):",
      `${directory}  size ${gib(size)}  available ${gib(free)}`,
      ""
    ].join("\n")
  })
