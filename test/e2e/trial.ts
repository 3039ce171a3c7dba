/**
 * A builder as an operator has it: a machine with systemd, the package installed with rpm, its configuration named in
 * /etc/sysconfig. The hub and the engine are those of the whole system, outside.
 */
import { execFile } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { Context, Effect, Layer, Schema } from "effect"
import { callEngine, engineSocket } from "../engines.ts"
import type { Builder } from "./builder.ts"
import { type Machine, makeMachine } from "./machine.ts"
import { repositoryPackage, waiting } from "./packages.ts"
import { System, saying } from "./system.ts"

const run = promisify(execFile)
const project = join(import.meta.dirname, "../..")
export const service = "koji-adjutant.service"
export const reapService = "koji-adjutant-reap.service"
export const reapTimer = "koji-adjutant-reap.timer"

export class Trial extends Context.Service<
  Trial,
  {
    readonly machine: Machine
    readonly builder: Builder
    /** What a package needs that rpm does not know to be there. */
    readonly needed: string
    /** The package, of release 1 and of release 2. */
    readonly older: string
    readonly newer: string
    /** A build that says one tick after another until it is let go; its task. */
    building(name: string): Effect.Effect<number>
    /** Puts these lines into a drop-in of the unit, in place of an earlier one of this name. */
    dropIn(unit: string, name: string, ...lines: ReadonlyArray<string>): Effect.Effect<void>
  }
>()("test/e2e/Trial") {}

const name = "unit"

const make = Effect.gen(function* () {
  const system = yield* System
  const builder = yield* system.builder({ name, apart: true, adjutant: { log_format: "auto" } })
  for (const path of [builder.stateDirectory, builder.logDirectory]) mkdirSync(path, { recursive: true, mode: 0o700 })
  const packages = join(system.directory, "service")
  const made = (release: number) =>
    Effect.promise(async () => {
      const { stdout } = await run(join(project, "scripts/service/rpm"), [packages, String(release)])
      return stdout.trim()
    })
  const older = yield* made(1)
  const newer = yield* made(2)
  const standIn = join(
    yield* repositoryPackage(packages, "debian.spec", { NODE: process.versions.node }),
    "RPMS/noarch"
  )
  const [needed = ""] = readdirSync(standIn)

  const socket = engineSocket(system.engine)
  const engine = yield* Effect.promise(() => callEngine(socket, "GET", "/info"))
  const { DockerRootDir } = yield* Schema.decodeUnknownEffect(EngineRoot)(engine.text)
  const machine = yield* makeMachine(`e2e-${process.pid}`, [socket, DockerRootDir, system.directory])
  yield* machine.write("/usr/bin/node", readFileSync(process.execPath), "0755")
  yield* machine.write("/etc/sysconfig/koji-adjutant", `KOJI_ADJUTANT_CONFIG=${builder.configFile}\n`)

  const dropIn = (unit: string, file: string, ...lines: ReadonlyArray<string>) =>
    Effect.andThen(
      machine.write(`/etc/systemd/system/${unit}.d/${file}.conf`, `${lines.join("\n")}\n`),
      Effect.asVoid(machine.does("systemctl", "daemon-reload"))
    )
  for (const unit of [service, reapService]) {
    const paths = `${builder.stateDirectory} ${builder.logDirectory}`
    yield* dropIn(unit, "directories", "[Service]", `ReadWritePaths=${paths}`)
  }

  return Trial.of({
    ...{ machine, builder, older, newer, dropIn, needed: join(standIn, needed) },
    building: Effect.fnUntraced(
      function* (source: string) {
        const task = yield* system.buildArch(yield* waiting(join(system.directory, "sources"), source), name)
        yield* saying(task, "\ntick 1\n")
        return task
      },
      Effect.provideService(System, system)
    )
  })
})
const EngineRoot = Schema.fromJsonString(Schema.Struct({ DockerRootDir: Schema.String }))

export const trialLayer = Layer.effect(Trial, Effect.orDie(make)).pipe(
  Layer.provideMerge(System.layer("docker", () => Effect.succeed([])))
)
