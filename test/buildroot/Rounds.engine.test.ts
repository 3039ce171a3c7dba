/**
 * The rounds of a build against real rpmbuild, rpm and dnf, from the first missing requirement to the packages made:
 * static requirements that depend on each other, a swap, generated ones that depend on each other, and what mock
 * leaves to rpmbuild.
 */
import { copyFileSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { DaemonControl } from "../../src/buildroot/DaemonControl.ts"
import type { ImageRecord } from "../../src/buildroot/ImageStore.ts"
import { KojiLogs } from "../../src/buildroot/KojiLogs.ts"
import { buildRounds } from "../../src/buildroot/Rebuild.ts"
import { TaskUploads } from "../../src/buildroot/TaskUploads.ts"
import { Workspace } from "../../src/buildroot/Workspace.ts"
import { Door, type World } from "../../src/buildroot/World.ts"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { TaskAlerts } from "../../src/hub/TaskAlerts.ts"
import { recording } from "../../src/journal/Door.ts"
import { buildrootMacros } from "../../src/koji/Macros.ts"
import { Mailer } from "../../src/mail/Mailer.ts"
import { attemptOn, inputsFor, realSite, Site } from "./realBuilder.ts"
import { makeRepository, rpmName, type SmallPackage, served } from "./smallPackages.ts"
import { toolsBase } from "./toolsBase.ts"

const installed: ReadonlyArray<SmallPackage> = [{ name: "old-way", files: { "/usr/share/way": "old" } }]
const available: ReadonlyArray<SmallPackage> = [
  { name: "new-way", lines: ["Conflicts: old-way"], files: { "/usr/lib/rpm/macros.d/macros.way": "%way_needs one" } },
  { name: "one", files: { "/usr/share/one": "" } },
  { name: "two", files: { "/usr/share/two": "" } },
  { name: "three", files: { "/usr/share/three": "" } }
]

const sourceOf = (name: string, body: string) => `
Name: ${name}
Version: 1
Release: 1
Summary: Built in rounds
License: None
BuildArch: noarch
${body}
%description
Built in rounds.
%install
install -D -m 644 /dev/null %{buildroot}/usr/share/${name}/file
%files
/usr/share/${name}
`

/** The first round finds out about `new-way`, its macro about `one`; what is generated follows what is there. */
const growing = sourceOf(
  "growing",
  `BuildRequires: new-way
%{?way_needs:BuildRequires: %{way_needs}}
%generate_buildrequires
echo two
if [ -e /usr/share/two ]; then echo '(three or nothing-known)'; fi
%build
ls /usr/share/one /usr/share/two /usr/share/three; [ ! -e /usr/share/way ]; echo "the tag says $TOLD and %{told}"`
)
/** dnf does not mind a conflict with what is installed; rpmbuild does, and is asked when requirements are generated. */
const blocked = sourceOf("blocked", "BuildConflicts: old-way")
const blockedLater = sourceOf("blocked-later", "BuildConflicts: old-way\n%generate_buildrequires\necho two")

class Ground extends Context.Service<Ground, { readonly url: string; readonly base: ImageRecord }>()("test/Ground") {}

const ground = Layer.effect(
  Ground,
  Effect.gen(function* () {
    const site = yield* Site
    const directory = join(site.directory, "packages")
    const sources = { growing, blocked, "blocked-later": blockedLater }
    yield* makeRepository(site, directory, { packages: [...installed, ...available], sources })
    const url = yield* served(join(directory, "rpms"))
    const base = toolsBase(directory, installed.map(rpmName), inputsFor(url, site.image))
    return { url, base: yield* base.pipe(Effect.provide(attemptOn(1))) }
  })
)

/** Nothing of the hub is used by the rounds of a build. */
const noHub = Layer.mergeAll(
  Layer.mock(HubSession, { id: 0 }),
  Layer.mock(HubFiles, {}),
  Layer.mock(TaskAlerts, {}),
  Layer.mock(DaemonControl, {}),
  Layer.mock(Mailer, { from: "" }),
  Layer.mock(TaskUploads, {})
)

/** Builds a source package: how that ended, and what there is to see of it. */
const built = Effect.fnUntraced(function* (name: string) {
  const { url, base } = yield* Ground
  const { directory, image } = yield* Site
  const workspace = yield* Workspace
  const logs = yield* KojiLogs
  const file = `${name}-1-1.src.rpm`
  copyFileSync(join(directory, "packages/srpms", file), join(workspace.input, file))
  const site = { mockHost: "koji-linux-gnu", packager: "Koji", vendor: "Koji", distribution: "Koji" }
  const root = {
    image: base,
    inputs: inputsFor(url, image),
    macros: buildrootMacros({ ...site, targetArch: "x86_64", tagMacros: { "%told": "so it is" } }),
    environment: { TOLD: "this" },
    targetArch: "x86_64",
    forcearch: false
  }
  const door = Door.of(yield* recording<World>())
  const rounds = buildRounds(root, { file, specs: [`${name}.spec`] }, "noarch")
  const ended = yield* Effect.provideService(rounds, Door, door)
  const log = (of: string) => readFileSync(join(logs.directory, of), "utf8")
  const commands = [...log("build.log").matchAll(/Executing command: \['\/usr\/bin\/rpmbuild', '(-b.)'/g)]
  const [before, after] = [names(base), names(ended.image)]
  return {
    status: ended.status,
    added: after.filter((one) => !before.includes(one)),
    removed: before.filter((one) => !after.includes(one)),
    commands: commands.map(([, mode]) => mode).join(" "),
    log,
    results: ["RPMS", "SRPMS"].flatMap((of) => readdirSync(join(workspace.builddir, "build", of))).sort()
  }
})

const names = (image: ImageRecord) => image.packages.map(({ name }) => name).sort()

const well = { _tag: "Status", status: 0, detail: "" } as const

for (const engine of ["docker", "podman"] as const) {
  const site = Layer.mergeAll(ground, noHub).pipe(Layer.provideMerge(realSite(engine)), Layer.orDie)
  layer(site, { excludeTestServices: true, timeout: "5 minutes" })(`a build with ${engine}`, (it) => {
    it.effect("installs what each round finds missing, until nothing is", () =>
      Effect.gen(function* () {
        const { status, added, removed, commands, log, results } = yield* built("growing")
        assert.deepStrictEqual(status, well, log("build.log"))
        assert.deepStrictEqual([added, removed], [["new-way", "one", "three", "two"], ["old-way"]])
        // Static requirements are missing twice and then met; so are generated ones; the last makes the packages.
        assert.strictEqual(commands, "-bs -bs -bs -br -br -br -ba")
        assert.include(log("build.log"), "the tag says this and so it is\n")
        assert.deepStrictEqual(results, ["growing-1-1.noarch.rpm", "growing-1-1.src.rpm"])
      }).pipe(Effect.provide(attemptOn(2)))
    )

    if (engine === "podman") return
    it.effect("goes on when something is in its way that dnf does not mind", () =>
      Effect.gen(function* () {
        const { status, commands, log } = yield* built("blocked")
        assert.deepStrictEqual(status, well)
        assert.strictEqual(commands, "-bs -bs -bb")
        assert.include(log("root.log"), "Nothing to do.\n")
      }).pipe(Effect.provide(attemptOn(3)))
    )

    it.effect("leaves it to rpmbuild to mind it when requirements are generated", () =>
      Effect.gen(function* () {
        const { status, added, commands, log } = yield* built("blocked-later")
        assert.deepStrictEqual(status, { ...well, status: 11 })
        assert.deepStrictEqual(added, ["two"])
        assert.match(commands, /^-bs -bs -br( -br)+ -ba$/)
        assert.include(log("build.log"), "old-way conflicts with blocked-later-1-1.noarch")
        assert.include(log("root.log"), "build.log says which")
      }).pipe(Effect.provide(attemptOn(4)))
    )
  })
}
