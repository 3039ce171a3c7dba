/**
 * Requirements against real tools: what `dnf builddep` would do on a root, done on an image. The root is the tools
 * image with a few packages in its rpm database, so that only rpm and dnf are tried and nothing large is installed.
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import type { ImageRecord } from "../../src/buildroot/ImageStore.ts"
import { installedImage, NotInstalled } from "../../src/buildroot/InstalledImage.ts"
import { KojiLogs } from "../../src/buildroot/KojiLogs.ts"
import { readRpmHeader } from "../../src/buildroot/SourceFile.ts"
import { requirementTexts } from "../../src/koji/Requirements.ts"
import { runStep, stepOf } from "../contract/EngineContract.ts"
import { attemptOn, inputsFor, inStep, realBuilder, Site } from "./realBuilder.ts"
import { makeRepository, rpmName, type SmallPackage, served } from "./smallPackages.ts"
import { toolsBase } from "./toolsBase.ts"

const installed: ReadonlyArray<SmallPackage> = [
  { name: "held", version: "1", lines: ["Provides: pkgconfig(held) = 1.5"], files: { "/usr/share/held": "" } },
  { name: "old-way", lines: ["Provides: way = 1"], files: { "/usr/share/way": "" } },
  { name: "outdated" },
  { name: "renamed" }
]
const available: ReadonlyArray<SmallPackage> = [
  { name: "held", version: "2", lines: ["Provides: pkgconfig(held) = 2.5"], files: { "/usr/share/held": "" } },
  { name: "new-way", lines: ["Provides: way = 2", "Conflicts: old-way"], files: { "/usr/share/way": "" } },
  { name: "outdated", version: "3" },
  { name: "fresh", lines: ["Obsoletes: renamed", "Requires: leaf"] },
  { name: "leaf" },
  { name: "extras", lines: ["Provides: python3dist(extras[x]) = 1"] },
  { name: "unrelated", lines: ["Provides: held-by-name"] },
  { name: "filed", files: { "/opt/only/here": "" } },
  { name: "either", lines: ["Provides: one"] },
  { name: "wide", arch: "x86_64", lines: ["Provides: wide(arch) = 64"] },
  { name: "wide", arch: "i686", lines: ["Provides: wide(arch) = 32"] },
  { name: "wide", arch: "aarch64", lines: ["Provides: wide(arch) = 8"] },
  { name: "broken", lines: ["Requires: nowhere"] }
]

const asking = `
Name: asking
Version: 1
Release: 1
Summary: Asks for much
License: None
BuildRequires: gcc, /usr/bin/make, pkgconfig(zlib) >= 1.2.11, perl(Foo::Bar), python3dist(x[y]) < 2~rc1
BuildRequires: (gcc >= 12 or clang), one = 1:2-3, two > 1, three <= 4, gcc
BuildConflicts: nothing-like-it
%description
Asks for much.
%generate_buildrequires
echo generated
`

class World extends Context.Service<World, { readonly url: string; readonly base: ImageRecord }>()("test/World") {}

const world = Layer.effect(
  World,
  Effect.gen(function* () {
    const site = yield* Site
    const directory = join(site.directory, "packages")
    yield* makeRepository(site, directory, { packages: [...installed, ...available], sources: { asking } })
    const url = yield* served(join(directory, "rpms"))
    const base = yield* toolsBase(directory, installed.map(rpmName), inputsFor(url, site.image))
    return { url, base }
  })
)

let asked = 0

/** The image with these requirements, and what the logs and the packages say. */
const askFor = Effect.fnUntraced(function* (
  requirements: ReadonlyArray<string>,
  change: Parameters<typeof inputsFor>[2] = {}
) {
  const { url, base } = yield* World
  const { image } = yield* Site
  const logs = yield* KojiLogs
  const log = join(logs.directory, "root.log")
  const before = existsSync(log) ? readFileSync(log, "utf8").length : 0
  const result = yield* Effect.result(
    inStep(`install/${++asked}`, (path) => installedImage(path, base, inputsFor(url, image, change), requirements))
  )
  return { base, result, log: readFileSync(log, "utf8").slice(before) }
})

const names = (image: ImageRecord) =>
  image.packages.map(({ name, version, arch }) => `${name}-${version}.${arch}`).sort()

/** What came and what went. */
const difference = Effect.fnUntraced(function* (...of: Parameters<typeof askFor>) {
  const { base, result } = yield* askFor(...of)
  const image = yield* Effect.fromResult(result)
  const [before, after] = [names(base), names(image)]
  return {
    came: after.filter((name) => !before.includes(name)),
    went: before.filter((name) => !after.includes(name)),
    image
  }
})

const site = world.pipe(Layer.provideMerge(realBuilder("docker")), Layer.orDie)

layer(site, { excludeTestServices: true, timeout: "5 minutes" })("requirements, as dnf builddep reads them", (it) => {
  it.effect("that an installed package meets add nothing, whatever newer there is", () =>
    Effect.gen(function* () {
      const met = ["held", "held < 9", "pkgconfig(held) >= 1", "/usr/share/held", "(nowhere or held)", "way"]
      const { base, result, log } = yield* askFor(met)
      assert.strictEqual((yield* Effect.fromResult(result)).image, base.image)
      assert.include(log, "Package held-1-1.noarch is already installed.\n")
      assert.include(log, "Nothing to do.\n")
    })
  )

  const many = [
    // What packages provide, the files they have, either side of a rich dependency; never a package's mere name.
    ...["held-by-name", "python3dist(extras[x]) >= 1", "/opt/only/here", "(nowhere or one)", "(leaf if held)"],
    // A higher version than the installed one; something that another package is in the way of; a new name.
    ...["pkgconfig(held) >= 2", "way = 2", "fresh"]
  ]
  it.effect("bring what provides them, and remove what is in the way", () =>
    Effect.gen(function* () {
      const { came, went } = yield* difference(many)
      const fresh = ["either", "extras", "filed", "fresh", "held", "leaf", "new-way", "unrelated"]
      assert.deepStrictEqual(
        came,
        fresh.map((name) => (name === "held" ? "held-2.noarch" : `${name}-1.noarch`))
      )
      assert.deepStrictEqual(went, ["held-1.noarch", "old-way-1.noarch", "renamed-1.noarch"])
    })
  )

  it.effect("asked for again are the same image, and whoever has not made it is told of its making", () =>
    Effect.gen(function* () {
      const first = yield* difference(many)
      const asked = [...many].reverse()
      const own = yield* askFor(asked)
      assert.strictEqual((yield* Effect.fromResult(own.result)).image, first.image.image)
      assert.notInclude(own.log, "Installing: ")
      const again = yield* askFor(asked).pipe(Effect.provide(attemptOn(2), { local: true }))
      assert.strictEqual((yield* Effect.fromResult(again.result)).image, first.image.image)
      assert.include(again.log, "Installing: leaf-1-1.noarch (build)\nInstalling: new-way-1-1.noarch (build)\n")
      assert.include(again.log, "Removing: old-way-1-1.noarch\n")
    })
  )

  it.effect("of a version that is not to be had, or of nothing known, end with status 30 and dnf's words", () =>
    Effect.gen(function* () {
      const { result, log } = yield* askFor(["held >= 9", "hel*", "nothing-like-it", "leaf"])
      assert.deepEqual(result, Result.fail(new NotInstalled({ status: 30, detail: "" })))
      assert.include(
        log,
        [
          "No matching package to install: 'hel*'",
          "No matching package to install: 'held >= 9'",
          "No matching package to install: 'nothing-like-it'",
          "Not all dependencies satisfied",
          "Error: Some packages could not be found.\n"
        ].join("\n")
      )
    })
  )

  it.effect("that cannot be met end with status 30 and the solver's reasons", () =>
    Effect.gen(function* () {
      const { result, log } = yield* askFor(["broken"])
      assert.deepEqual(result, Result.fail(new NotInstalled({ status: 30, detail: "" })))
      assert.match(log, /Error: \n Problem: .*\n {2}- nothing provides nowhere needed by broken-1-1.noarch/)
    })
  )

  it.effect("are met by packages of the root's arch, not of the machine's", () =>
    Effect.gen(function* () {
      const { came } = yield* difference(["wide(arch)", "leaf"], { arch: "i386", targetArch: "i686" })
      assert.deepStrictEqual(came, ["leaf-1.noarch", "wide-1.i686"])
    })
  )

  it.effect("are met by packages of another machine's arch when it is forced, and only then", () =>
    Effect.gen(function* () {
      const aarch64 = { arch: "aarch64", targetArch: "aarch64" }
      const { came } = yield* difference(["wide(arch)"], { ...aarch64, forcearch: true })
      assert.deepStrictEqual(came, ["wide-1.aarch64"])
      const { result } = yield* askFor(["wide(arch) = 8"], aarch64)
      assert.isTrue(Result.isFailure(result))
    })
  )

  it.effect("are read from a source package's header as rpm reads them", () =>
    Effect.gen(function* () {
      const ground = yield* Site
      const directory = join(ground.directory, "packages")
      const header = yield* readRpmHeader(join(directory, "srpms", "asking-1-1.src.rpm"))
      const { text } = yield* runStep(
        stepOf(ground, "requires", "rpm -qp --requires /work/srpms/asking-1-1.src.rpm", {
          mounts: [{ source: directory, target: "/work", readOnly: true, relabel: "none" }]
        })
      )
      const lines = text().trim().split("\n")
      const packages = lines.filter((line) => !line.startsWith("rpmlib("))
      assert.deepStrictEqual([...requirementTexts(header)].sort(), [...new Set(packages)].sort())
      assert.include(packages, "(gcc >= 12 or clang)")
      assert.isBelow(packages.length, lines.length)
    })
  )
})
