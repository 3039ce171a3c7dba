/** `adjutant rerun` as people use it: on what a daemon has recorded, when that daemon and its hub are gone. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as DockerEngine from "../../src/engine/DockerEngine.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { imageOwnerLabels } from "../../src/engine/Labels.ts"
import { taskPath } from "../../src/koji/Paths.ts"
import { adjutant } from "../cli/command.ts"
import { engineSocket } from "../engines.ts"
import { behaving } from "./packages.ts"
import { System } from "./system.ts"
import { patient } from "./until.ts"

const same = "true"
/** The moment of the build becomes a part of the package. */
const chancy = 'echo "# $(date +%s%N)" >>/builddir/build/SOURCES/build.sh'

for (const engine of ["docker", "podman"] as const) {
  layer(
    System.layer(engine, () => Effect.succeed([])),
    { excludeTestServices: true, timeout: "10 minutes" }
  )(`adjutant rerun on ${engine}`, (it) => {
    it.effect(
      "a recorded build is run again: the same on the same image, on one made again, or not the same",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const { listImages, removeImage } = yield* Engine
          const builder = yield* system.builder({ name: "rerun", apart: true })
          const daemon = yield* builder.start
          const built = Effect.fnUntraced(function* (name: string, script: string) {
            const source = yield* behaving(join(system.directory, "sources"), name, script)
            const task = yield* system.buildArch(source, builder.name)
            return { task, source, ended: yield* system.ended(task) }
          })
          const good = yield* built("again", same)
          assert.strictEqual(good.ended.state, "CLOSED")
          const other = yield* built("chancy", chancy)
          const failed = yield* built("failing", "echo about to fail; exit 3")
          assert.strictEqual(failed.ended.state, "FAILED")
          yield* daemon.signal("SIGTERM")
          yield* daemon.exit

          const work = join(system.directory, "reruns")
          const place = ["--config", builder.configFile, "--state-dir", builder.stateDirectory, "--work-dir", work]
          const rerun = (task: number, ...more: ReadonlyArray<string>) =>
            adjutant(["rerun", ...place, `${task}`, ...more])
          const again = yield* rerun(good.task)
          assert.strictEqual(again.code, 0, again.err)
          assert.match(again.err, /\n {2}init +sha256:\w{12}, as recorded\n/)
          assert.match(again.out, /^again-1\.0-1\.noarch\.rpm: the same but for the time of the build\n/)

          const failing = yield* rerun(failed.task)
          assert.strictEqual(failing.code, 0, failing.err)
          assert.include(failing.out, "It fails with the same fault;")

          const files = join(system.topdir, "work", taskPath(other.task))
          const differing = yield* rerun(other.task, "--against", files)
          assert.strictEqual(differing.code, 1, differing.err)
          assert.match(
            differing.out,
            /^chancy-1\.0-1\.noarch\.rpm: differs in 1 place\n {2}\/usr\/share\/chancy\/build\.sh, contents: .*\nchancy-1\.0-1\.src\.rpm: the same/
          )

          const looked = yield* rerun(good.task, "--until", "build/1", "--command", "id -u; ls build/originals; exit 7")
          assert.strictEqual(looked.code, 7, looked.err)
          assert.strictEqual(looked.out, "1000\nagain-1.0-1.src.rpm\n")

          const [first] = yield* builder.events(good.task)
          const instance = first?._tag === "Accepted" ? first.instance : assert.fail()
          for (let round = 0; round < 2; round++) {
            for (const { id, references } of yield* listImages(imageOwnerLabels(instance))) {
              yield* Effect.ignore(removeImage(references[0] ?? id))
            }
          }
          assert.deepStrictEqual(yield* listImages(imageOwnerLabels(instance)), [])
          const remade = yield* rerun(good.task, "--source", good.source)
          assert.strictEqual(remade.code, 0, `${remade.err}${remade.out}`)
          assert.match(remade.err, /\n {2}init\/populate +exit 0 after /)

          const left = readdirSync(work).filter((name) => !name.startsWith("lock"))
          assert.deepStrictEqual(left, [])
        }).pipe(Effect.provide(onEngine), Effect.scoped),
      patient
    )
  })
}

/** The engine itself, beside the daemons and commands that use it. */
const onEngine = Layer.unwrap(
  Effect.map(System, ({ engine }) => DockerEngine.layer({ socketPath: engineSocket(engine) }))
)
