import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { tag } from "../model/HubTemplate.ts"
import type { FileFate } from "../model/Machine.ts"
import type { World } from "../model/World.ts"
import {
  assertCanceled,
  assertFailed,
  assertFreed,
  canceledWhen,
  exits,
  from,
  hangs,
  type Plot,
  reports,
  stoppedWhen,
  tell
} from "./telling.ts"

/** A repository that has been begun, and the id of it. */
const begun = ({ hub }: World, name: string = tag.build): number =>
  Number(Array.from(Object(hub.puppet("host.repoInit", [name])))[0])

const creating = (plot: Plot = {}, old: { readonly id: number } | null = null) =>
  tell("createrepo", [], { before: (world) => [begun(world), "x86_64", old], ...plot })

const directory = "/mnt/koji/repos/model-build/2"

describe("createrepo", () => {
  it("makes the metadata of a repository that the hub has begun, and uploads it", async () => {
    const told = await creating()
    assert.deepStrictEqual(told.result, ["tasks/1/1", ["primary.xml.gz", "repomd.xml"]])
    assert.deepStrictEqual(told.events, [
      "accepted createrepo noarch",
      "step openTask",
      "step open/weight",
      "step repo",
      "step topdir",
      "step inspect",
      "begin createrepo",
      "container createrepo intended, created, started, Exited 0, removed",
      "end createrepo",
      "step external-repos",
      "begin upload",
      "uploaded primary.xml.gz",
      "uploaded repomd.xml",
      "end upload",
      "begin logs",
      "uploaded createrepo.log",
      "end logs",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "repoInfo 2 {strict: true}",
      "getExternalRepoList 2 {event: 10}",
      "host.closeTask 1 <document>",
      "logout"
    ])
    const command = `/usr/bin/createrepo_c --error-exit-val -vd -o /run/adjutant/out/repo -i ${directory}/x86_64/pkglist -g ${directory}/groups/comps.xml ${directory}/x86_64`
    assert.strictEqual(told.files.get("createrepo.log"), `$ ${command}\n/usr/bin/createrepo_c: 7 packages\n`)
  })

  it("begins with the metadata of an older repository", async () => {
    const told = await creating({}, { id: 1 })
    assert.match(told.files.get("createrepo.log") ?? "", / --update --skip-stat \/mnt\/koji\//)
    assert.deepStrictEqual(from(told.events, "step inspect").slice(0, 4), [
      "step inspect",
      "step old-repo",
      "step old-metadata",
      "begin createrepo"
    ])
    assert.include(told.calls, "repoInfo 1 {strict: true}")
  })

  it("begins anew where the older repository has no metadata", async () => {
    const told = await creating({
      before: (world) => {
        rmSync(`${world.hub.top}/repos/model-build/1/x86_64/repodata`, { recursive: true })
        return [begun(world), "x86_64", { id: 1 }]
      }
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.notMatch(told.files.get("createrepo.log") ?? "", /--update/)
  })

  it("begins anew where the older repository goes while it is copied", async () => {
    const files = (operation: string, path: string): FileFate => {
      const [, root] = /^(.*)\/hub\/(?:.*\/)?repos\/model-build\/1\/x86_64\/repodata$/.exec(path) ?? []
      if (operation !== "cp" || root === undefined) return "done"
      const half = `${root}/builder1/state/work/1-1/repo/repodata`
      mkdirSync(half)
      writeFileSync(`${half}/filelists.xml.gz`, "half of")
      return { code: "ENOENT" }
    }
    const told = await creating({ world: { files } }, { id: 1 })
    assert.deepStrictEqual(told.result, ["tasks/1/1", ["primary.xml.gz", "repomd.xml"]])
    assert.match(
      told.files.get("createrepo.log") ?? "",
      /^old repo has no metadata at \S+\/1\/x86_64\/repodata: not updating\n/
    )
  })

  it("fails where the metadata of the older repository cannot be copied, and does not call it missing", async () => {
    const files = (operation: string): FileFate => (operation === "cp" ? { code: "EIO" } : "done")
    const told = await creating({ world: { files } }, { id: 1 })
    assert.strictEqual(told.state, "FAILED")
    assert.include(JSON.stringify(told.result), "EIO: injected, cp")
    assert.deepStrictEqual(told.containers, [])
  })

  it("marks a repository of nothing as empty", async () => {
    const told = await creating({
      before: (world) => {
        world.hub.admin("createTag", ["bare"], { arches: "x86_64" })
        return [begun(world, "bare"), "x86_64", null]
      }
    })
    assert.deepStrictEqual(told.result, ["tasks/1/1", ["EMPTY_REPO", "primary.xml.gz", "repomd.xml"]])
    assert.match(told.files.get("createrepo.log") ?? "", /-g \S+comps.xml \/run\/adjutant\/out\/repo\n/)
  })

  it("merges external repositories into it, this arch's in their order", async () => {
    const told = await creating({
      before: (world) => {
        external(world, 1, "http://example.org/first/$arch/")
        external(world, 2, "http://example.org/other/", { arches: "s390x" })
        external(world, 3, "http://example.org/second/")
        return [begun(world), "x86_64", null]
      }
    })
    assert.deepStrictEqual(told.containers, ["createrepo", "mergerepos"])
    assert.deepStrictEqual(from(told.events, "step external-repos").slice(0, 5), [
      "step external-repos",
      "step premerge",
      "begin mergerepos",
      "container mergerepos intended, created, started, Exited 0, removed",
      "end mergerepos"
    ])
    const merged = (told.files.get("mergerepos.log") ?? "").split("\n")[0]
    assert.strictEqual(
      merged,
      `$ /usr/bin/mergerepo_c --koji -b ${directory}/x86_64/blocklist -a x86_64 -o /run/adjutant/out/repo --arch-expand -g ${directory}/groups/comps.xml -r file:///run/adjutant/out/repo_2_premerge/ -r http://example.org/first/x86_64/ -r http://example.org/second/`
    )
  })
})

/** Adds an external repository to the build tag. */
const external = (
  { hub }: World,
  priority: number,
  url: string,
  options: { readonly arches?: string; readonly merge_mode?: string } = {}
) => {
  hub.admin("createExternalRepo", [`external-${priority}`, url])
  hub.admin("addExternalRepoToTag", [tag.build, `external-${priority}`, priority], options)
}

describe("createrepo fails with kojid's words", () => {
  it("when the repository is not one that has just been begun", async () => {
    const told = await tell("createrepo", [1, "x86_64", null])
    assertFailed(told, "GenericError", "Repo 1 not in INIT state (got 1)")
    assert.deepStrictEqual(told.containers, [])
  })

  it("when its directory is not there", async () => {
    const told = await creating({
      before: (world) => {
        const id = begun(world)
        rmSync(`${world.hub.top}/repos/model-build/${id}/x86_64`, { recursive: true })
        return [id, "x86_64", null]
      }
    })
    assertFailed(told, "GenericError", `Repo directory missing: ${told.world.hub.top}/repos/model-build/2/x86_64`)
  })

  it("when createrepo fails, and its log is there to read", async () => {
    const told = await creating({ steps: { createrepo: exits(2) } })
    const lines = [
      "/usr/bin/createrepo_c --error-exit-val -vd -o /run/adjutant/out/repo -i \\",
      `${directory}/x86_64/pkglist -g \\`,
      `${directory}/groups/comps.xml \\`,
      `${directory}/x86_64 exited with status 2`
    ]
    assertFailed(told, "GenericError", `failed to create repo: ${lines.join("\n")}`)
    assert.match(told.files.get("createrepo.log") ?? "", /7 packages/)
  })

  it("when the external repositories want to be merged in different ways, or cannot be", async () => {
    const modes = await creating({
      before: (world) => {
        external(world, 1, "http://example.org/first/", { merge_mode: "koji" })
        external(world, 3, "http://example.org/second/", { merge_mode: "bare" })
        return [begun(world), "x86_64", null]
      }
    })
    assertFailed(modes, "GenericError", "Found multiple merge modes for external repos: koji, bare")
    const told = await creating({
      steps: { mergerepos: exits(1) },
      before: (world) => {
        external(world, 1, "http://example.org/first/", { merge_mode: "bare" })
        return [begun(world), "x86_64", null]
      }
    })
    assert.strictEqual(told.state, "FAILED")
    assert.match(
      String(Object(told.result)[1]),
      /^failed to merge repos: \/usr\/bin\/mergerepo_c --pkgorigins --all -a x86_64 [\s\S]* exited with status 1$/
    )
  })
})

describe("createrepo otherwise", () => {
  it("is refused, softly, where the hub's tree is not mounted", async () => {
    const told = await creating({ ends: "given back", daemon: { settings: { topDirectory: "/nonexistent" } } })
    assert.deepStrictEqual(reports(told), [
      "host.refuseTask 1 {soft: true, msg: No access to repos dir /nonexistent/repos}"
    ])
    assert.deepStrictEqual(told.containers, [])
  })

  const hung: Plot = { steps: { createrepo: hangs } }
  const running = (world: World) => world.isRunning("createrepo")

  it("is canceled in the middle", async () => {
    const told = await creating({ ...hung, ...canceledWhen(running) })
    assertCanceled(told)
  })

  it("is given back when the daemon is told to stop", async () => {
    const told = await creating({ ...hung, ...stoppedWhen(running) })
    assertFreed(told)
  })
})
