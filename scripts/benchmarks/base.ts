/**
 * A base image from an empty store until it can be used (the step `init`: packages installed, tree imported, package
 * lists compared), against dnf by hand and nothing more: the same group, repository, configuration and tools image.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Schema } from "effect"
import { engine, engineCli, median, progress, report, seconds, toolsImage } from "./Figures.ts"
import { build, daemon, hub, temporary, trivial } from "./Koji.ts"
import { type AttemptRecord, secondsOfStep, tell } from "./Record.ts"

const rounds = 3
const kinds = [
  { method: "buildArch", group: "build" },
  { method: "rebuildSRPM", group: "srpm-build" }
]
const bound = engine === "docker" ? "<= 2.3" : "<= 3.3"

const Configured = Schema.Struct({ inputs: Schema.Struct({ yumConf: Schema.String }) })

/** Installs the group as a user with an engine would, and gives the seconds that took. */
const installByHand = (directory: string, yumConf: string, group: string): number => {
  const out = mkdtempSync(join(directory, "root-"))
  writeFileSync(join(out, "yum.conf"), yumConf)
  const dnf = ["dnf", "-y", "--installroot=/out/root", "--config=/out/yum.conf", "--setopt=cachedir=/out/cache"]
  const limits = ["--ulimit=nofile=1024:4096", "--ulimit=nproc=4096:4096"]
  const start = seconds()
  engineCli(
    ...["run", "--rm", "--network=host", ...limits, `--volume=${out}:/out`, toolsImage],
    ...[...dnf, "install", `@${group}`]
  )
  const took = seconds() - start
  rmSync(out, { recursive: true, force: true })
  return took
}

const main = Effect.gen(function* () {
  const koji = yield* hub
  const directory = yield* temporary
  const records = new Map<string, Array<AttemptRecord>>()
  const theirs = new Map<string, Array<number>>()
  for (let round = 0; round < rounds; round++) {
    // A daemon with a state directory of its own has made nothing yet.
    const record = yield* Effect.scoped(
      Effect.flatMap(daemon(koji, koji.builder), (builder) => build(koji, builder, trivial))
    )
    for (const { method, group } of kinds) {
      const attempt = record(method)
      const { inputs } = yield* Schema.decodeUnknownEffect(Configured)(attempt.values.get("buildroot/configure"))
      records.set(group, [...(records.get(group) ?? []), attempt])
      const manual = installByHand(directory, inputs.yumConf, group)
      theirs.set(group, [...(theirs.get(group) ?? []), manual])
      progress(`${group}: ${secondsOfStep(attempt, "init").toFixed(1)} s, dnf by hand ${manual.toFixed(1)} s`)
    }
  }
  for (const { group } of kinds) {
    const ours = (records.get(group) ?? []).map((record) => secondsOfStep(record, "init"))
    const manual = theirs.get(group) ?? []
    const pairs = ours.map((value, round) => value / (manual[round] ?? Number.NaN))
    const what = `base of ${group} on ${engine}, median of ${rounds}`
    report(what, `${median(ours).toFixed(1)} s`, `dnf ${median(manual).toFixed(1)} s`, median(pairs), bound)
    const typical = records.get(group)?.[ours.indexOf(median(ours))]
    if (typical !== undefined) tell(typical, "init")
  }
})

NodeRuntime.runMain(Effect.scoped(main))
