/**
 * Roots made by real tools, from a repository to an image and on to what is installed on top of it. The packages are
 * small, one of them a whole userland, so that a root is made in seconds.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { type BaseInputs, baseImage } from "../../src/buildroot/BaseImage.ts"
import type { ImageRecord } from "../../src/buildroot/ImageStore.ts"
import { installedImage } from "../../src/buildroot/InstalledImage.ts"
import { KojiLogs } from "../../src/buildroot/KojiLogs.ts"
import { runStep, stepOf } from "../contract/EngineContract.ts"
import { attemptOn, inputsFor, inStep, realSite, Site } from "./realBuilder.ts"
import { makeRepository, type SmallPackage, served } from "./smallPackages.ts"

/** Macros of the root's own rpm, in which distributions differ. */
const rpmMacros = (name: string, ...macros: ReadonlyArray<string>): SmallPackage => ({
  name,
  files: { "/etc/rpm/macros": macros.join("\n") }
})

const packages: ReadonlyArray<SmallPackage> = [
  rpmMacros("rpm-as-usual", "%_dbpath /var/lib/rpm"),
  rpmMacros("rpm-elsewhere", "%_dbpath /usr/lib/sysimage/rpm"),
  rpmMacros("rpm-unable", "%_dbpath /usr/lib/sysimage/rpm", "%_db_backend nothing-known"),
  { name: "first", lines: ["Requires: below"] },
  { name: "below" },
  { name: "second", lines: ["Requires: first = 1"] },
  { name: "wide", arch: "x86_64" },
  { name: "wide", arch: "i686" },
  { name: "streamed", version: "1" },
  { name: "streamed", version: "2" },
  { name: "told", lines: ["Requires(post): userland"], scripts: '%post\necho "a tag says $TOLD, home is $HOME"' }
]
/** Two streams of one module. */
const modules = ["1", "2"]
  .map(
    (version) => `---
document: modulemd
version: 2
data:
  name: streamed
  stream: s${version}
  version: 1
  context: c0ffee
  arch: x86_64
  summary: Two of them
  description: Two of them
  license: { module: [None] }
  artifacts: { rpms: ["streamed-0:${version}-1.noarch"] }
...
`
  )
  .join("")

const groups = {
  build: ["userland", "rpm-as-usual", "wide", "told"],
  elsewhere: ["userland", "rpm-elsewhere"],
  unable: ["userland", "rpm-unable"]
}

class World extends Context.Service<World, { readonly url: string }>()("test/World") {}

const world = Layer.effect(
  World,
  Effect.gen(function* () {
    const site = yield* Site
    const directory = join(site.directory, "packages")
    yield* makeRepository(site, directory, { packages, userland: true, groups, modules })
    return { url: yield* served(join(directory, "rpms")) }
  })
)

const inputs = Effect.fnUntraced(function* (change: Partial<BaseInputs>) {
  const { url } = yield* World
  const { image } = yield* Site
  return inputsFor(url, image, change)
})

const base = Effect.fnUntraced(function* (change: Partial<BaseInputs>) {
  const given = yield* inputs(change)
  return yield* inStep("init", () => baseImage(given)).pipe(
    // What a person would read first.
    Effect.tapError(() => Effect.flatMap(rootLog, (text) => Effect.logError(text)))
  )
})

const names = (image: ImageRecord) => image.packages.map(({ name, arch }) => `${name}.${arch}`).sort()

const rootLog = Effect.map(KojiLogs, ({ directory }) => readFileSync(join(directory, "root.log"), "utf8"))

/** What a command says in an image. */
const said = Effect.fnUntraced(function* (image: ImageRecord, script: string) {
  const site = yield* Site
  const { text } = yield* runStep(stepOf({ ...site, image: image.image }, "said", script))
  return text().trim()
})

for (const engine of ["docker", "podman"] as const) {
  const site = world.pipe(Layer.provideMerge(realSite(engine)), Layer.orDie)
  layer(site, { excludeTestServices: true, timeout: "5 minutes" })(`a root made with ${engine}`, (it) => {
    it.effect("holds its group's packages, for its own arch, and grows by requirements", () =>
      Effect.gen(function* () {
        const change = { arch: "i386", targetArch: "i686", environment: { TOLD: "so" } }
        const image = yield* base(change)
        assert.deepStrictEqual(names(image), ["rpm-as-usual.noarch", "told.noarch", "userland.noarch", "wide.i686"])
        assert.include(yield* rootLog, "a tag says so, home is /root\n")
        assert.strictEqual(image.kernel, yield* said(image, "uname -r"))
        const given = yield* inputs(change)
        const grown = yield* inStep("install/1", (path) => installedImage(path, image, given, ["first"]))
        assert.deepStrictEqual(
          names(grown).filter((name) => !names(image).includes(name)),
          ["below.noarch", "first.noarch"]
        )
        assert.isBelow(grown.bytes, image.bytes)
      }).pipe(Effect.provide(attemptOn(1)))
    )

    it.effect("is told from its own rpm's database, wherever and in whatever form that keeps it", () =>
      Effect.gen(function* () {
        const change = { group: "elsewhere", repoDigest: "elsewhere" }
        const image = yield* base(change)
        assert.include(yield* rootLog, "the image's rpm lists 0 of 2 packages: converting its database")
        assert.strictEqual(
          yield* said(image, "rpm --eval %_dbpath; rpm -q userland"),
          "/usr/lib/sysimage/rpm\nuserland-1-1.noarch"
        )
        const given = yield* inputs(change)
        const first = yield* inStep("install/2", (path) => installedImage(path, image, given, ["below"]))
        const second = yield* inStep("install/3", (path) => installedImage(path, first, given, ["second"]))
        assert.deepStrictEqual(
          names(second).filter((name) => !names(image).includes(name)),
          ["below.noarch", "first.noarch", "second.noarch"]
        )
        const met = yield* inStep("install/4", (path) => installedImage(path, second, given, ["first", "below"]))
        assert.strictEqual(met.image, second.image)
        assert.strictEqual((yield* said(second, "rpm -qa")).split("\n").length, names(second).length)
      }).pipe(Effect.provide(attemptOn(2)))
    )

    if (engine === "podman") return
    it.effect("is refused when its own rpm cannot keep a database, with the setting to change", () =>
      Effect.gen(function* () {
        const given = yield* inputs({ group: "unable", repoDigest: "unable" })
        const failure = yield* Effect.flip(inStep("init", () => baseImage(given)))
        assert.match(failure.message, /^could not init mock buildroot, mock exited with status 20; see root.log/)
        assert.include(failure.message, "set tools_images in [adjutant]")
      }).pipe(Effect.provide(attemptOn(3)))
    )

    it.effect("keeps to the streams of modules that were enabled before its group", () =>
      Effect.gen(function* () {
        const change = { repoDigest: "streams", moduleSetup: [["enable", ["streamed:s1"]]] as const }
        const image = yield* base(change)
        const given = yield* inputs(change)
        const grown = yield* inStep("install/5", (path) => installedImage(path, image, given, ["streamed"]))
        const version = grown.packages.find(({ name }) => name === "streamed")?.version
        assert.strictEqual(version, "1")
        assert.include(yield* said(grown, "cat /etc/dnf/modules.d/streamed.module"), "stream=s1")
      }).pipe(Effect.provide(attemptOn(4)))
    )
  })
}
