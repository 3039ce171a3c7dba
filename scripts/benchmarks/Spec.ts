/** A step as benchmarks run it: as a build would be, with limits that are not reached. */
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { containerLabels } from "../../src/engine/Labels.ts"

export const specOf = (name: string, image: string, command: ReadonlyArray<string>): ContainerSpec => ({
  name: `adjutant-bench-${process.pid}-${name}`,
  image,
  command,
  environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  user: "0:0",
  workingDirectory: "/",
  hostname: "mock",
  labels: containerLabels({ instance: "bench", task: 1, attempt: 1, step: name, workerId: "bench", bootId: "" }),
  mounts: [],
  tmpfs: {},
  network: "none",
  capabilities: "build",
  readOnlyRoot: false,
  limits: {
    memoryBytes: 4 * 1024 ** 3,
    cpus: 2,
    processes: 4096,
    openFiles: 4096,
    wallSeconds: 3600,
    silenceSeconds: 3600,
    outputBytes: 4 * 1024 ** 3,
    diskBytes: 64 * 1024 ** 3
  },
  output: "joined",
  commit: null
})
