/** A container's whole cycle (create, start, wait, remove) through the adapter, against the engine's own command line. */
import { Effect } from "effect"
import * as DockerEngine from "../../src/engine/DockerEngine.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { engine, engineCli, median, report, seconds, socketPath, toolsImage } from "./Figures.ts"
import { specOf } from "./Spec.ts"

const rounds = 9

const main = Effect.gen(function* () {
  const port = yield* Engine
  const image = yield* port.inspectImage(toolsImage)
  const id = image?.id ?? toolsImage
  const ours: Array<number> = []
  const theirs: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    let start = seconds()
    yield* port.run(specOf(`bench-cycle-${round}`, id, ["/bin/true"]), { write: () => Effect.void }, () => Effect.void)
    ours.push(seconds() - start)
    start = seconds()
    engineCli("run", "--rm", "--network=none", "--ulimit=nofile=1024:4096", "--ulimit=nproc=4096:4096", id, "/bin/true")
    theirs.push(seconds() - start)
  }
  report(
    `engine cycle on ${engine}, median of ${rounds}`,
    `${median(ours).toFixed(3)} s`,
    `run --rm ${median(theirs).toFixed(3)} s`,
    median(ours) / median(theirs),
    "<= 1.1"
  )
}).pipe(Effect.provide(DockerEngine.layer({ socketPath })))

await Effect.runPromise(main)
