/**
 * A whole `buildArch` attempt, from its acceptance to its last event, against the same package built by hand: the
 * engine's own command line runs rpm and rpmbuild in the same image, as the same user, without a network. The base
 * image is there in both cases. What is printed of the trivial package's attempt is where a builder's own time goes.
 */
import { spawnSync } from "node:child_process"
import { chownSync, copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Effect } from "effect"
import { buildUser } from "../../src/buildroot/Workspace.ts"
import { engine, engineCli, median, note, progress, report, seconds } from "./Figures.ts"
import { build, daemon, hub, minute, temporary, trivial } from "./Koji.ts"
import { type AttemptRecord, secondsOf, tell } from "./Record.ts"

const packages = [
  { name: "trivial", file: trivial, rounds: 7 },
  { name: "minute", file: minute, rounds: 3 }
]

const byHand = 'rpm -i "$0" && rpmbuild -ba build/SPECS/*.spec'

/** Builds it as a user with an engine would, and gives the seconds that took. */
const buildByHand = (directory: string, image: string, file: string): number => {
  const home = mkdtempSync(join(directory, "builddir-"))
  chownSync(home, buildUser.uid, buildUser.gid)
  copyFileSync(file, join(home, basename(file)))
  spawnSync("sh", ["-c", `echo '%_topdir /builddir/build' >${home}/.rpmmacros`])
  const start = seconds()
  engineCli(
    ...["run", "--rm", "--network=none", `--user=${buildUser.uid}:${buildUser.gid}`, "--hostname=mock"],
    ...["--ulimit=nofile=1024:4096", "--ulimit=nproc=4096:4096", "--env=HOME=/builddir", "--env=LANG=C.UTF-8"],
    ...[`--volume=${home}:/builddir`, "--workdir=/builddir"],
    ...[image, "/bin/bash", "--login", "-c", byHand, basename(file)]
  )
  const took = seconds() - start
  rmSync(home, { recursive: true, force: true })
  return took
}

const main = Effect.gen(function* () {
  const koji = yield* hub
  const builder = yield* daemon(koji, koji.builder)
  const directory = yield* temporary
  const attempt = (file: string) => Effect.map(build(koji, builder, file), (record) => record("buildArch"))
  // The first one makes the images that all others find.
  yield* attempt(trivial)
  for (const { name, file, rounds } of packages) {
    const records: Array<AttemptRecord> = []
    const theirs: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      const record = yield* attempt(file)
      records.push(record)
      const manual = buildByHand(directory, imageOf(record), file)
      theirs.push(manual)
      progress(`${name}: ${secondsOf(record).toFixed(1)} s, by hand ${manual.toFixed(1)} s`)
    }
    const ours = records.map(secondsOf)
    const typical = records.find((record) => secondsOf(record) === median(ours))
    const [attempted, manual] = [median(ours), median(theirs)]
    if (name === "minute") {
      const pairs = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
      const what = `build of a minute on ${engine}, median of ${rounds}`
      report(what, `${attempted.toFixed(1)} s`, `by hand ${manual.toFixed(1)} s`, median(pairs), "<= 1.1")
    } else {
      const what = `trivial build on ${engine}, median of ${rounds}`
      const more = `${(attempted - manual).toFixed(2)} s more (<= 5 s more)`
      note(what, `${attempted.toFixed(2)} s, by hand ${manual.toFixed(2)} s: ${more}`)
    }
    if (typical !== undefined) tell(typical)
  }
})

/** What the package was built in. */
const imageOf = ({ timeline }: AttemptRecord): string =>
  timeline.steps.flatMap((step) => step.containers).at(-1)?.image ?? ""

NodeRuntime.runMain(Effect.scoped(main))
