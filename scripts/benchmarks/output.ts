/** A gigabyte of output into a capture, against the engine's own `logs` of the same container; and our memory meanwhile. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { captureTo } from "../../src/engine/Capture.ts"
import * as DockerEngine from "../../src/engine/DockerEngine.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { engine, engineCli, note, report, seconds, socketPath, toolsImage } from "./Figures.ts"
import { specOf } from "./Spec.ts"

const bytes = 1024 ** 3
const write = `yes 'a line of output such as a compiler makes, some eighty characters of it or so' | head -c ${bytes}`
const directory = mkdtempSync(join(tmpdir(), "adjutant-bench-"))

const main = Effect.gen(function* () {
  const port = yield* Engine
  const id = (yield* port.inspectImage(toolsImage))?.id ?? toolsImage
  // What the user would do: run it, and have the engine's own command write the log to a file.
  const start = seconds()
  const logging =
    engine === "docker"
      ? ["--log-driver=local", "--log-opt=max-size=4g", "--log-opt=max-file=1", "--log-opt=compress=false"]
      : ["--log-driver=k8s-file"]
  engineCli(
    "run",
    "--detach",
    "--name=adjutant-bench-logs",
    "--network=none",
    "--ulimit=nofile=1024:4096",
    "--ulimit=nproc=4096:4096",
    ...logging,
    id,
    "/bin/sh",
    "-c",
    write
  )
  const program = engine === "docker" ? "docker --host" : "podman --remote --url"
  spawnSync("sh", ["-c", `${program} unix://${socketPath} logs --follow adjutant-bench-logs >${directory}/theirs`])
  const theirs = seconds() - start
  engineCli("rm", "--force", "adjutant-bench-logs")

  const before = process.memoryUsage().rss
  let peak = before
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 100)
  const begun = seconds()
  yield* Effect.scoped(
    Effect.gen(function* () {
      const sink = yield* captureTo(join(directory, "ours"))
      yield* port.run(specOf("output", id, ["/bin/sh", "-c", write]), sink, () => Effect.void)
    })
  )
  const ours = seconds() - begun
  clearInterval(timer)
  const [got, wanted] = [statSync(join(directory, "ours")).size, statSync(join(directory, "theirs")).size]
  const rate = (time: number) => `${(bytes / time / 1e6).toFixed(0)} MB/s`
  report(`output of 1 GiB on ${engine}`, rate(ours), `logs ${rate(theirs)}`, theirs / ours, ">= 0.8")
  note("  bytes captured, by adapter and by logs", `${got}, ${wanted} of ${bytes}`)
  note("  resident memory before and at its peak", `${(before / 1e6).toFixed(0)} MB, ${(peak / 1e6).toFixed(0)} MB`)
}).pipe(Effect.provide(DockerEngine.layer({ socketPath })))

await Effect.runPromise(main)
rmSync(directory, { recursive: true, force: true })
